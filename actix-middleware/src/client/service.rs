use std::time::Duration;

use actix_web::dev::{Service, forward_ready};
use awc::{ConnectRequest, ConnectResponse, error::SendRequestError};
use tracing_core_ext::exchange::Instrumentation;

use super::{
    future::ResponseFuture,
    request::{self, StartedRequest},
    timed::TimedExchange,
};
use crate::headers::ActixHeadersMut;

/// Service created by [`ClientTracing`](super::ClientTracing).
#[derive(Clone, Debug)]
pub struct ClientService<S> {
    inner: S,
    instrumentation: Instrumentation,
    client_timeout: Option<Duration>,
}

impl<S> ClientService<S> {
    pub(super) const fn new(
        inner: S,
        instrumentation: Instrumentation,
        client_timeout: Option<Duration>,
    ) -> Self {
        Self { inner, instrumentation, client_timeout }
    }
}

impl<S> Service<ConnectRequest> for ClientService<S>
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError>,
{
    type Response = ConnectResponse;
    type Error = SendRequestError;
    type Future = ResponseFuture<S::Future>;

    forward_ready!(inner);

    fn call(&self, mut request: ConnectRequest) -> Self::Future {
        let StartedRequest { mut exchange, uri, resend_count } =
            request::start(&self.instrumentation, &mut request);
        let length = request::body_length(&request);
        if let Some((size, length)) = exchange.request_body_counter().zip(length) {
            size.add(length);
        }
        let headers = request::headers_mut(&mut request);
        exchange.inject(&mut ActixHeadersMut(headers));
        let future = exchange.in_scope(|| self.inner.call(request));
        let exchange = TimedExchange::new(exchange, self.client_timeout);
        ResponseFuture::new(future, exchange, uri, resend_count)
    }
}
