use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, forward_ready},
};
use tracing_core_ext::exchange::{DuplicateMiddlewareWarning, Exchange, Instrumentation};

use crate::{
    ExchangeBody, RequestSpan, ResponseFuture,
    expected_route::Routes,
    request::{self, ActixRequest},
};

static NESTED: DuplicateMiddlewareWarning =
    DuplicateMiddlewareWarning::new("tracing_actix_middleware::Tracing");

/// Service created by [`Tracing`](crate::Tracing).
#[derive(Clone, Debug)]
pub struct TracingService<S> {
    inner: S,
    instrumentation: Instrumentation,
    routes: Routes,
}

impl<S> TracingService<S> {
    pub(crate) fn new(inner: S, instrumentation: Instrumentation) -> Self {
        Self { inner, instrumentation, routes: Routes::default() }
    }
}

impl<S, B> Service<ServiceRequest> for TracingService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<ExchangeBody<B>>;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    forward_ready!(inner);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        if has_span(&request) {
            NESTED.warn_once();
            return ResponseFuture::new(self.inner.call(request), Exchange::noop(), None);
        }
        let exchange = self.instrumentation.start_server(&ActixRequest::of(&request));
        if let Some(span) = exchange.request_span() {
            request.extensions_mut().insert(RequestSpan(span));
        }
        if exchange.is_filtered() {
            request.extensions_mut().insert(Filtered);
        }
        if let Some(size) = exchange.request_body_counter() {
            request::count_body(&mut request, size);
        }
        let route = self.routes.expected(&exchange, &request);
        let entered = exchange.enter();
        let future = self.inner.call(request);
        drop(entered);
        ResponseFuture::new(future, exchange, route)
    }
}

/// Marks a request that an outer middleware has filtered, and that has no span yet.
struct Filtered;

/// Whether an outer middleware has created the span.
#[inline]
fn has_span(request: &ServiceRequest) -> bool {
    request.extensions().contains::<RequestSpan>()
        && request.extensions_mut().remove::<Filtered>().is_none()
}
