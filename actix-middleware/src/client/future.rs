use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_http::ResponseHead;
use actix_web::{dev::Payload, http::Uri};
use awc::{
    ClientResponse, ConnectResponse,
    error::{ConnectError, SendRequestError},
};
use pin_project::pin_project;
use tracing_core_ext::{
    exchange::{ErrorType, Exchange, Outcome},
    http,
};

use super::{payload::ExchangePayload, redirect, timed::TimedExchange};
use crate::{future::content_length, headers::ActixHeaders, request::protocol_version};

/// Future of a client request. The exchange continues in the body of the response.
#[pin_project]
#[derive(Debug)]
pub struct ResponseFuture<F> {
    #[pin]
    inner: F,
    exchange: TimedExchange,
    uri: Uri,
    resend_count: u32,
}

impl<F> ResponseFuture<F> {
    pub(super) const fn new(
        inner: F,
        exchange: TimedExchange,
        uri: Uri,
        resend_count: u32,
    ) -> Self {
        Self { inner, exchange, uri, resend_count }
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output = Result<ConnectResponse, SendRequestError>>,
{
    type Output = Result<ConnectResponse, SendRequestError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.exchange.in_scope(|| this.inner.poll(cx)));
        let mut exchange = this.exchange.take();
        if let Ok(ConnectResponse::Client(response)) = &result {
            redirect::note(this.uri, *this.resend_count, response);
        }
        if let Err(error) = &result {
            exchange.set_error(error);
            exchange.end(Outcome::Failed(error_type(error)));
        }
        Poll::Ready(result.map(|response| match response {
            ConnectResponse::Client(response) => {
                ConnectResponse::Client(wrap_body(response, exchange))
            }
            ConnectResponse::Tunnel(head, framed) => {
                respond(&mut exchange, &head, None);
                ConnectResponse::Tunnel(head, framed)
            }
        }))
    }
}

/// Returns `response` with a body that ends the exchange when it ends.
fn wrap_body(response: ClientResponse, mut exchange: TimedExchange) -> ClientResponse {
    response.map_body(|head, payload| {
        respond(&mut exchange, head, body_length(head, &payload));
        // An ended exchange needs no wrapper, which awc would box.
        if exchange.has_ended() { payload } else { ExchangePayload::wrap(payload, exchange) }
    })
}

fn respond(exchange: &mut Exchange, head: &ResponseHead, length: Option<u64>) {
    exchange.record_connection(protocol_version(head.version), None);
    exchange.on_response(&http::ResponseHead::new(
        head.status.as_u16(),
        length,
        &ActixHeaders(head.headers()),
    ));
}

fn body_length(head: &ResponseHead, payload: &Payload) -> Option<u64> {
    match payload {
        Payload::None => Some(0),
        _ => content_length(head.headers()),
    }
}

fn error_type(error: &SendRequestError) -> ErrorType {
    match error {
        SendRequestError::Timeout | SendRequestError::Connect(ConnectError::Timeout) => {
            ErrorType::Timeout
        }
        // The connection was established and then lost.
        SendRequestError::Connect(ConnectError::Disconnected) => ErrorType::Request,
        SendRequestError::Connect(_) => ErrorType::Connection,
        _ => ErrorType::Request,
    }
}
