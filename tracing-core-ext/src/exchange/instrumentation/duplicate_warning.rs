use std::sync::Once;

/// Says that a middleware stands below another one, which is the one that counts: once in the life of a process.
///
/// ```
/// use tracing_core_ext::exchange::DuplicateMiddlewareWarning;
///
/// static NESTED: DuplicateMiddlewareWarning = DuplicateMiddlewareWarning::new("my_framework::Tracing");
///
/// // When a request comes that has its span already:
/// NESTED.warn_once();
/// ```
#[derive(Debug)]
pub struct DuplicateMiddlewareWarning {
    middleware: &'static str,
    said: Once,
}

impl DuplicateMiddlewareWarning {
    /// A warning that names `middleware`.
    pub const fn new(middleware: &'static str) -> Self {
        Self { middleware, said: Once::new() }
    }

    /// Warns, if that is the first time.
    #[cold]
    pub fn warn_once(&self) {
        self.said.call_once(|| {
            tracing::warn!(
                middleware = self.middleware,
                "a request came through this middleware twice: the outer one traces and counts it"
            );
        });
    }
}
