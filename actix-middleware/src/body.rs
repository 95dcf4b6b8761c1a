use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};
use pin_project::pin_project;
use tracing_core_ext::exchange::{ErrorType, Exchange, Outcome};

/// The body of a response whose exchange ends with it.
///
/// Chunks and size are the inner body's: a wrapped response is framed as a bare one.
#[pin_project]
#[derive(Debug)]
pub struct ExchangeBody<B> {
    #[pin]
    inner: B,
    exchange: Exchange,
}

impl<B> ExchangeBody<B> {
    pub(crate) const fn new(inner: B, exchange: Exchange) -> Self {
        Self { inner, exchange }
    }
}

impl<B: MessageBody> MessageBody for ExchangeBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        let polled = this.exchange.in_scope(|| this.inner.poll_next(cx));
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(chunk))) => this.exchange.on_body_chunk(chunk.len() as u64),
            Poll::Ready(Some(Err(_))) => this.exchange.end(Outcome::Failed(ErrorType::Body)),
            Poll::Ready(None) => this.exchange.end(Outcome::Complete),
        }
        polled
    }
}
