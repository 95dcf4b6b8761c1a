use std::sync::Once;

/// Warns once per process that a middleware is nested in another one, which records the request instead.
///
/// ```
/// use tracing_core_ext::exchange::DuplicateMiddlewareWarning;
///
/// static NESTED: DuplicateMiddlewareWarning = DuplicateMiddlewareWarning::new("my_framework::Tracing");
///
/// // When a request arrives that already has its span:
/// NESTED.warn_once();
/// ```
#[derive(Debug)]
pub struct DuplicateMiddlewareWarning {
    middleware: &'static str,
    logged: Once,
}

impl DuplicateMiddlewareWarning {
    /// Creates a warning that names `middleware`.
    pub const fn new(middleware: &'static str) -> Self {
        Self { middleware, logged: Once::new() }
    }

    /// Logs the warning, on the first call only.
    #[cold]
    pub fn warn_once(&self) {
        self.logged.call_once(|| {
            tracing::warn!(
                middleware = self.middleware,
                "a request came through this middleware twice: the outer one traces and counts it"
            );
        });
    }
}
