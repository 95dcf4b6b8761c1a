use std::borrow::Cow;

/// What the URL of a request was made from, such as `/stock/{id}`: recorded as `url.template`, it names the span.
///
/// It goes into the extensions of a request, where there is no [`RequestBuilder`](crate::client::RequestBuilder) to take it.
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
    /// Keep templates few: no identifiers in them.
    pub fn new(template: impl Into<Cow<'static, str>>) -> Self {
        Self(template.into())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How often a request was sent before: 0 at first, 1 with its first retry or redirect. Recorded as
/// `http.request.resend_count` above 0.
///
/// It goes into the extensions of a request, where there is no [`RequestBuilder`](crate::client::RequestBuilder) to take it.
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
    /// Sent `count` times before.
    pub const fn new(count: u32) -> Self {
        Self(count)
    }

    /// That of the next attempt.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How often the request was sent before.
    pub const fn count(self) -> u32 {
        self.0
    }
}
