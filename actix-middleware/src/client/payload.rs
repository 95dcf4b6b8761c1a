use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{dev::Payload, error::PayloadError, web::Bytes};
use futures_util::Stream;
use tracing_core_ext::exchange::{ErrorType, Outcome};

use super::timed::TimedExchange;

/// Response body that ends the exchange when it ends.
pub(super) struct ExchangePayload {
    inner: Payload,
    exchange: TimedExchange,
}

impl ExchangePayload {
    /// Wraps `inner`. A response of awc can contain a stream of another type only in a box.
    pub(super) fn wrap(inner: Payload, exchange: TimedExchange) -> Payload {
        Payload::Stream { payload: Box::pin(Self { inner, exchange }) }
    }
}

impl Stream for ExchangePayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { inner, exchange } = self.get_mut();
        let polled = exchange.in_scope(|| Pin::new(inner).poll_next(cx));
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(chunk))) => exchange.on_body_chunk(chunk.len() as u64),
            Poll::Ready(Some(Err(error))) => {
                exchange.set_error(error);
                exchange.end(Outcome::Failed(ErrorType::Body));
            }
            Poll::Ready(None) => exchange.end(Outcome::Complete),
        }
        polled
    }
}
