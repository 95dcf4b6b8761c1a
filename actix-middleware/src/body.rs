use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};
use pin_project::{pin_project, pinned_drop};
use tracing_core_ext::exchange::{ErrorType, Exchange, Outcome};

/// Response body that ends the exchange when it ends.
///
/// Chunks and size are those of the inner body, so a wrapped response has the same framing.
///
/// The inner body is dropped within the span, or, after the end of the span, with its trace
/// context. actix-web's `Logger` writes its line at that point.
#[pin_project(PinnedDrop)]
#[derive(Debug)]
pub struct ExchangeBody<B> {
    #[pin]
    inner: Option<B>,
    exchange: Exchange,
}

impl<B> ExchangeBody<B> {
    pub(crate) const fn new(inner: B, exchange: Exchange) -> Self {
        Self { inner: Some(inner), exchange }
    }
}

impl<B: MessageBody> MessageBody for ExchangeBody<B> {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.inner.as_ref().map_or(BodySize::None, MessageBody::size)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        // Only the destructor removes the inner body.
        let Some(inner) = this.inner.as_pin_mut() else { return Poll::Ready(None) };
        let polled = this.exchange.in_scope(|| inner.poll_next(cx).map_err(Into::into));
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(chunk))) => this.exchange.on_body_chunk(chunk.len() as u64),
            Poll::Ready(Some(Err(error))) => {
                this.exchange.set_error(&**error);
                this.exchange.end(Outcome::Failed(ErrorType::Body));
            }
            Poll::Ready(None) => this.exchange.end(Outcome::Complete),
        }
        polled
    }
}

#[pinned_drop]
impl<B> PinnedDrop for ExchangeBody<B> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        let exchange = &*this.exchange;
        let _entered = (!exchange.has_ended()).then(|| exchange.enter());
        let _attached = exchange.context().map(|context| context.clone().attach());
        this.inner.set(None);
    }
}
