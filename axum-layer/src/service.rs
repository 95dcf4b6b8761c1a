use std::{
    any::TypeId,
    fmt::{Debug, Display},
    task::{Context, Poll},
};

use axum::routing::Route;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;
use tracing_core_ext::exchange::{
    DuplicateMiddlewareWarning, Exchange, ExchangeBody, Instrumentation, ResponseFuture,
};

use crate::{
    RequestSpan,
    request::{self, AxumRequest},
    route,
};

static NESTED: DuplicateMiddlewareWarning =
    DuplicateMiddlewareWarning::new("tracing_axum_layer::TracingLayer");

/// Service created by [`TracingLayer`](crate::TracingLayer).
#[derive(Clone, Debug)]
pub struct TracingService<S> {
    inner: S,
    instrumentation: Instrumentation,
}

impl<S> TracingService<S> {
    pub(crate) const fn new(inner: S, instrumentation: Instrumentation) -> Self {
        Self { inner, instrumentation }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for TracingService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + 'static,
    S::Error: Display + Debug + 'static,
    ReqBody: 'static,
    ResBody: Body,
{
    type Response = Response<ExchangeBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if has_span(&mut request) {
            NESTED.warn_once();
            route::record_route_of(&request);
            return ResponseFuture::new(self.inner.call(request), Exchange::noop());
        }
        let exchange = self.instrumentation.start_server(&AxumRequest::of(&request));
        if let Some(span) = exchange.request_span() {
            request.extensions_mut().insert(RequestSpan(span));
        }
        if exchange.is_filtered() {
            request.extensions_mut().insert(Filtered);
        }
        if let Some(size) = exchange.request_body_counter() {
            request::count_body(&mut request, size);
        }
        let entered = (!is_axum_route::<S>()).then(|| exchange.enter());
        let future = self.inner.call(request);
        drop(entered);
        ResponseFuture::new(future, exchange)
    }
}

/// Marks a request that an outer middleware has filtered, and that has no span yet.
#[derive(Clone, Copy, Debug)]
struct Filtered;

/// Whether an outer middleware has created the span.
#[inline]
fn has_span<B>(request: &mut Request<B>) -> bool {
    let extensions = request.extensions_mut();
    extensions.get::<RequestSpan>().is_some() && extensions.remove::<Filtered>().is_none()
}

/// Whether `S` only creates a future when it is called. The inner service of a route is called when
/// the future is polled.
fn is_axum_route<S: 'static>() -> bool {
    TypeId::of::<S>() == TypeId::of::<Route>()
}
