use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;
use tracing_core_ext::exchange::{ExchangeBody, Instrumentation, ResponseFuture};

use crate::{RequestSpan, request::AxumRequest};

/// Service made by [`TracingLayer`](crate::TracingLayer).
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
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
{
    type Response = Response<ExchangeBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let mut exchange = self.instrumentation.receive(&AxumRequest(&request));
        if let Some(span) = exchange.request_span() {
            request.extensions_mut().insert(RequestSpan(span));
        }
        let future = exchange.in_scope(|| self.inner.call(request));
        ResponseFuture::new(future, exchange)
    }
}
