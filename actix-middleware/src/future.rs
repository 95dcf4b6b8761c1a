use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::{
    Error, HttpRequest,
    body::{BodySize, MessageBody},
    dev::ServiceResponse,
    http::header::{CONTENT_LENGTH, HeaderMap},
};
use pin_project::{pin_project, pinned_drop};
use tracing_core_ext::{
    exchange::{Exchange, Outcome, parse_length},
    http::ResponseHead,
};

use crate::{
    ExchangeBody,
    error::{self, RespondedError},
    expected_route::ExpectedRoute,
    headers::{ActixHeaders, ActixHeadersMut},
};

/// Future of a service. The exchange continues in the body of the response.
///
/// If it is dropped before it completes, `inner` is dropped within the span.
#[pin_project(PinnedDrop)]
#[derive(Debug)]
pub struct ResponseFuture<F> {
    #[pin]
    inner: Option<F>,
    exchange: Exchange,
    /// Route of an exchange that ends without a response.
    route: Option<ExpectedRoute>,
}

impl<F> ResponseFuture<F> {
    pub(crate) const fn new(inner: F, exchange: Exchange, route: Option<ExpectedRoute>) -> Self {
        Self { inner: Some(inner), exchange, route }
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<ExchangeBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // Only the destructor removes the inner future.
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        let set_route = |exchange: &Exchange| set_expected(this.route.as_ref(), exchange);
        let result = ready!(this.exchange.in_scope_with(|| inner.poll(cx), set_route));
        let result = match result {
            Ok(mut response) => {
                respond(this.exchange, &mut response);
                Ok(response)
            }
            Err(error) => {
                set_expected(this.route.as_ref(), this.exchange);
                Err(respond_with_error(this.exchange, error))
            }
        };
        let exchange = this.exchange.take();
        Poll::Ready(
            result.map(|response| response.map_body(|_, body| ExchangeBody::new(body, exchange))),
        )
    }
}

fn set_expected(route: Option<&ExpectedRoute>, exchange: &Exchange) {
    if let Some(route) = route {
        route.set(exchange);
    }
}

#[pinned_drop]
impl<F> PinnedDrop for ResponseFuture<F> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.exchange.has_ended() {
            return;
        }
        set_expected(this.route.as_ref(), this.exchange);
        let _entered = this.exchange.enter();
        this.inner.set(None);
    }
}

fn respond<B: MessageBody>(exchange: &mut Exchange, response: &mut ServiceResponse<B>) {
    if exchange.needs_route() {
        record_route(exchange, response.request());
    }
    if let Some(error) = response.response().error() {
        error::set_reason(exchange, error);
    }
    exchange.inject_response(&mut ActixHeadersMut(response.headers_mut()));
    exchange.on_response(&ResponseHead::new(
        response.status().as_u16(),
        body_length(response),
        &ActixHeaders(response.headers()),
    ));
}

/// Records the route after the response, because inner middleware may have changed the path before
/// it was matched.
fn record_route(exchange: &Exchange, request: &HttpRequest) {
    let method = request.method().as_str();
    match request.match_pattern() {
        Some(route) => exchange.set_route(method, &route),
        None => exchange.set_unrouted(method),
    }
}

/// Creates the response of an error, once and within the span. actix-web would create it outside
/// all middleware.
fn respond_with_error(exchange: &mut Exchange, error: Error) -> Error {
    if exchange.has_ended() {
        return error;
    }
    RespondedError::wrap(exchange, error, |exchange, status, size, headers| {
        exchange.inject_response(&mut ActixHeadersMut(headers));
        let length = match size {
            BodySize::None => Some(0),
            BodySize::Sized(length) => Some(length),
            BodySize::Stream => None,
        };
        exchange.on_response(&ResponseHead::new(status.as_u16(), length, &ActixHeaders(headers)));
        // The body is sent outside of all middleware.
        exchange.on_body_chunk(length.unwrap_or_default());
        exchange.end(Outcome::Complete);
    })
}

/// Returns the length of the body on the wire: that of the body if known, or else that in the
/// header.
fn body_length<B: MessageBody>(response: &ServiceResponse<B>) -> Option<u64> {
    match response.response().body().size() {
        BodySize::None => Some(0),
        BodySize::Sized(length) => Some(length),
        BodySize::Stream if response.response().head().chunked() => None,
        BodySize::Stream => content_length(response.headers()),
    }
}

pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    parse_length(headers.get(CONTENT_LENGTH)?.as_bytes())
}
