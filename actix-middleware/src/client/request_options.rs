//! Options of one request. awc can carry them only as headers, which the middleware removes.

use std::{borrow::Cow, str};

use actix_web::http::header::{
    HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue, TryIntoHeaderPair,
};

static URL_TEMPLATE: HeaderName = HeaderName::from_static("x-tracing-url-template");
static RESEND_COUNT: HeaderName = HeaderName::from_static("x-tracing-resend-count");

/// Template of the URL of a request, such as `/stock/{id}`. It is recorded as `url.template` and
/// names the span.
///
/// It is inserted as a header field, which [`ClientTracing`](super::ClientTracing) removes before the request is sent.
///
/// ```no_run
/// use tracing_actix_middleware::client::UrlTemplate;
///
/// # async fn run(client: awc::Client) {
/// let request = client.get("http://inventory.example/stock/7");
/// let response = request.insert_header(UrlTemplate::new("/stock/{id}")).send().await;
/// # drop(response);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(Cow<'static, str>);

/// Number of times that a request was sent before. It is recorded as `http.request.resend_count` if
/// it is above 0.
///
/// It is inserted as a header field, which [`ClientTracing`](super::ClientTracing) removes before the request is sent.
///
/// ```no_run
/// use tracing_actix_middleware::client::ResendCount;
///
/// # async fn run(client: awc::Client) {
/// for count in 0..3 {
///     let request = client.get("http://inventory.example/stock/7");
///     if request.insert_header(ResendCount::new(count)).send().await.is_ok() {
///         break;
///     }
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResendCount(u32);

impl UrlTemplate {
    /// Creates a template. It must not contain identifiers, because each template is a span name.
    pub fn new(template: impl Into<Cow<'static, str>>) -> Self {
        Self(template.into())
    }
}

impl ResendCount {
    /// Creates the count for a request that was sent `count` times before.
    pub const fn new(count: u32) -> Self {
        Self(count)
    }
}

impl TryIntoHeaderPair for UrlTemplate {
    type Error = InvalidHeaderValue;

    fn try_into_pair(self) -> Result<(HeaderName, HeaderValue), Self::Error> {
        Ok((URL_TEMPLATE.clone(), HeaderValue::from_bytes(self.0.as_bytes())?))
    }
}

impl TryIntoHeaderPair for ResendCount {
    type Error = InvalidHeaderValue;

    fn try_into_pair(self) -> Result<(HeaderName, HeaderValue), Self::Error> {
        Ok((RESEND_COUNT.clone(), HeaderValue::from(self.0)))
    }
}

/// Options in the headers of a request.
#[derive(Debug, Default)]
pub(super) struct RequestOptions {
    pub(super) template: Option<String>,
    pub(super) resend_count: u32,
}

impl RequestOptions {
    /// Removes the options from the headers and returns them.
    pub(super) fn take(headers: &mut HeaderMap) -> Self {
        let mut take = |name: &HeaderName| headers.remove(name).next();
        let text = |value: HeaderValue| str::from_utf8(value.as_bytes()).ok().map(str::to_owned);
        Self {
            template: take(&URL_TEMPLATE).and_then(text),
            resend_count: take(&RESEND_COUNT)
                .and_then(text)
                .and_then(|count| count.parse().ok())
                .unwrap_or(0),
        }
    }
}
