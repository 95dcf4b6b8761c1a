use std::borrow::Cow;

/// Pattern that the URL of a request was made from, such as `/stock/{id}`. It is recorded as `url.template` and is part
/// of the span's name.
///
/// Set it in the extensions of a request if the client has no [`RequestBuilder`](crate::client::RequestBuilder) that
/// takes it.
///
/// ```
/// use tracing_core_ext::client::UrlTemplate;
///
/// let request = http::Request::get("http://inventory.example/stock/7")
///     .extension(UrlTemplate::new("/stock/{id}"))
///     .body(())?;
/// # drop(request);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(Cow<'static, str>);

impl UrlTemplate {
    /// Creates a template. Keep the number of templates small: they must not contain identifiers.
    pub fn new(template: impl Into<Cow<'static, str>>) -> Self {
        Self(template.into())
    }

    /// Returns the template as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Number of times that a request was sent before: 0 at first, 1 for its first retry or redirect. Above 0 it is
/// recorded as `http.request.resend_count`.
///
/// Set it in the extensions of a request if the client has no [`RequestBuilder`](crate::client::RequestBuilder) that
/// takes it.
///
/// ```
/// use tracing_core_ext::client::ResendCount;
///
/// let mut count = ResendCount::default();
/// for _ in 0..3 {
///     let request = http::Request::get("http://inventory.example/stock/7").extension(count).body(())?;
///     # drop(request);
///     count = count.next();
/// }
/// assert_eq!(count, ResendCount::new(3));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResendCount(u32);

impl ResendCount {
    /// Creates the count of a request that was sent `count` times before.
    pub const fn new(count: u32) -> Self {
        Self(count)
    }

    /// Returns the count of the next attempt.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns the number of times that the request was sent before.
    pub const fn count(self) -> u32 {
        self.0
    }
}
