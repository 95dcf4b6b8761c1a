use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use super::{
    outcome::{ErrorType, Outcome},
    state::Exchange,
};

/// The body of a response whose exchange ends with it.
///
/// Frames, size hint and end of stream are the inner body's: a wrapped response is framed as a bare one.
#[pin_project]
#[derive(Debug)]
pub struct ExchangeBody<B> {
    #[pin]
    inner: B,
    exchange: Exchange,
}

impl<B> ExchangeBody<B> {
    /// Polls `inner` in the scope of `exchange`, and finishes that with it.
    pub const fn new(inner: B, exchange: Exchange) -> Self {
        Self { inner, exchange }
    }
}

/// An empty body of no exchange, for middleware that answers on its own.
impl<B: Default> Default for ExchangeBody<B> {
    fn default() -> Self {
        Self::new(B::default(), Exchange::none())
    }
}

impl<B> Body for ExchangeBody<B>
where
    B: Body,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        // Nothing of the user's runs behind the end that the body has told.
        if this.exchange.has_ended() && this.inner.is_end_stream() {
            return this.inner.poll_frame(cx);
        }
        let polled = this.exchange.in_scope(|| this.inner.as_mut().poll_frame(cx));
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                observe(this.exchange, frame, this.inner.is_end_stream())
            }
            Poll::Ready(Some(Err(_))) => this.exchange.finish(Outcome::Failed(ErrorType::Body)),
            Poll::Ready(None) => this.exchange.finish(Outcome::Complete),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Nobody need poll again after the last data or after trailers, so the end is recognised here.
fn observe<D: bytes::Buf>(exchange: &mut Exchange, frame: &Frame<D>, is_last: bool) {
    if let Some(data) = frame.data_ref() {
        exchange.sent(data.remaining() as u64);
    }
    if let Some(trailers) = frame.trailers_ref() {
        exchange.trailers(trailers);
    }
    if is_last || frame.is_trailers() {
        exchange.finish(Outcome::Complete);
    }
}
