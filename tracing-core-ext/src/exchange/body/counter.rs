use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use crate::exchange::state::shared_state::SharedState;

/// Counter of the bytes of a request's body, for the code that passes them on.
#[derive(Clone, Debug)]
pub struct BodyCounter(pub(crate) SharedState);

impl BodyCounter {
    /// Adds `bytes` to the count. The size of a body is recorded only if this was called. Call it with 0 for a body
    /// that is counted later or known to be empty.
    pub fn add(&self, bytes: u64) {
        self.0.add_to_request(bytes);
    }
}

/// A body whose bytes are counted.
#[pin_project]
#[derive(Debug)]
pub struct CountingBody<B> {
    #[pin]
    inner: B,
    size: BodyCounter,
}

impl<B> CountingBody<B> {
    /// Adds the bytes that pass through `inner` to `size`.
    pub fn new(inner: B, size: BodyCounter) -> Self {
        size.add(0);
        Self { inner, size }
    }
}

impl<B: Body> Body for CountingBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let polled = ready!(this.inner.poll_frame(cx));
        if let Some(data) = polled.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            this.size.add(data.remaining() as u64);
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
