use std::{
    fmt::{Debug, Display},
    pin::Pin,
    str,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Response, header::CONTENT_LENGTH};
use http_body::Body;
use pin_project::{pin_project, pinned_drop};

use super::{body::ExchangeBody, exchange::Exchange, outcome::handler_error::HandlerError};
use crate::http::{ProtocolVersion, ResponseHead};

/// Future of a service or a client whose exchange continues in the body of the response.
///
/// If it is dropped before it has completed, the destructors of `inner` run within the span.
#[pin_project(PinnedDrop)]
#[derive(Debug)]
pub struct ResponseFuture<F> {
    #[pin]
    inner: Option<F>,
    exchange: Exchange,
}

impl<F> ResponseFuture<F> {
    /// Polls `inner` in the scope of `exchange`.
    pub const fn new(inner: F, exchange: Exchange) -> Self {
        Self { inner: Some(inner), exchange }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: Display + Debug + 'static,
{
    type Output = Result<Response<ExchangeBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // Only the destructor takes the inner future.
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        let mut result = ready!(this.exchange.in_scope(|| inner.poll(cx)));
        match &mut result {
            Ok(response) => respond(this.exchange, response),
            Err(error) => this.exchange.end_with_error(error),
        }
        let exchange = this.exchange.take();
        Poll::Ready(result.map(|response| response.map(|body| ExchangeBody::new(body, exchange))))
    }
}

#[pinned_drop]
impl<F> PinnedDrop for ResponseFuture<F> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        let _entered = this.exchange.enter();
        this.inner.set(None);
    }
}

pub(crate) fn respond<B: Body>(exchange: &mut Exchange, response: &mut Response<B>) {
    if let Some(error) = response.extensions().get::<HandlerError>() {
        exchange.set_error(error.as_error());
    }
    exchange.inject_response(response.headers_mut());
    exchange.record_connection(ProtocolVersion::from_http(response.version()), None);
    let (status, length) = (response.status().as_u16(), body_length(response));
    exchange.on_response(&ResponseHead { status, length, headers: response.headers() });
}

/// Returns the length of the body on the wire: the exact size hint of the body, or else the `content-length` header.
fn body_length<B: Body>(response: &Response<B>) -> Option<u64> {
    let body = response.body();
    if body.is_end_stream() {
        return Some(0);
    }
    body.size_hint().exact().or_else(|| content_length(response.headers()))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    parse_length(headers.get(CONTENT_LENGTH)?.as_bytes())
}

/// Reads the value of a `content-length` header.
pub fn parse_length(value: &[u8]) -> Option<u64> {
    str::from_utf8(value).ok()?.parse().ok()
}
