//! The body of a response, which ends its exchange.

pub(crate) mod counter;

use std::{
    fmt::{Debug, Display},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use pin_project::{pin_project, pinned_drop};

use super::{
    exchange::Exchange,
    outcome::{ErrorType, Outcome},
};

/// The body of a response whose exchange ends with the end of the body.
///
/// Frames, size hint and end of stream are those of the inner body, so a wrapped response is framed like a bare one.
///
/// `C` classifies the errors of the inner body.
///
/// If it is dropped before its end, the destructors of the inner body run within the span.
#[pin_project(PinnedDrop)]
#[derive(Debug)]
pub struct ExchangeBody<B, C = BodyError> {
    #[pin]
    inner: Option<B>,
    exchange: Exchange,
    errors: PhantomData<fn() -> C>,
}

/// Classifies errors of type `E`.
pub trait ClassifyBodyError<E> {
    /// Returns the error type that `error` gives the exchange.
    fn error_type(error: &E) -> ErrorType;

    /// Records the details of `error`, such as with [`Exchange::set_error`]. The default records nothing.
    fn describe(error: &E, exchange: &mut Exchange) {
        let _ = (error, exchange);
    }
}

/// Classifies every error of a body as `body_error`.
#[derive(Debug)]
pub struct BodyError;

impl<E: Display + Debug + 'static> ClassifyBodyError<E> for BodyError {
    fn error_type(_: &E) -> ErrorType {
        ErrorType::Body
    }

    fn describe(error: &E, exchange: &mut Exchange) {
        exchange.set_error_of_any_type(error);
    }
}

impl<B> ExchangeBody<B> {
    /// Polls `inner` in the scope of `exchange`, and ends the exchange with the body.
    pub const fn new(inner: B, exchange: Exchange) -> Self {
        Self::with_classifier(inner, exchange)
    }
}

impl<B, C> ExchangeBody<B, C> {
    /// Does the same as [`new`](ExchangeBody::new), and classifies errors by `C`.
    ///
    /// ```
    /// use std::io;
    ///
    /// use tracing_core_ext::exchange::{ClassifyBodyError, ErrorType, Exchange, ExchangeBody};
    ///
    /// struct Io;
    ///
    /// impl ClassifyBodyError<io::Error> for Io {
    ///     fn error_type(error: &io::Error) -> ErrorType {
    ///         match error.kind() {
    ///             io::ErrorKind::TimedOut => ErrorType::Timeout,
    ///             _ => ErrorType::Body,
    ///         }
    ///     }
    /// }
    ///
    /// # let (inner, exchange) = ((), Exchange::noop());
    /// let body = ExchangeBody::<_, Io>::with_classifier(inner, exchange);
    /// # drop(body);
    /// ```
    pub const fn with_classifier(inner: B, exchange: Exchange) -> Self {
        Self { inner: Some(inner), exchange, errors: PhantomData }
    }
}

/// Creates an empty body with a no-op exchange, for middleware that responds itself.
impl<B: Default> Default for ExchangeBody<B> {
    fn default() -> Self {
        Self::new(B::default(), Exchange::noop())
    }
}

impl<B, C> Body for ExchangeBody<B, C>
where
    B: Body,
    C: ClassifyBodyError<B::Error>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        // Only the destructor takes the inner body.
        let Some(mut inner) = this.inner.as_pin_mut() else { return Poll::Ready(None) };
        // After the end of the body no code of the user runs.
        if this.exchange.has_ended() && inner.is_end_stream() {
            return inner.poll_frame(cx);
        }
        let polled = this.exchange.in_scope(|| inner.as_mut().poll_frame(cx));
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => on_frame(this.exchange, frame, inner.is_end_stream()),
            Poll::Ready(Some(Err(error))) => {
                C::describe(error, this.exchange);
                this.exchange.end(Outcome::Failed(C::error_type(error)));
            }
            Poll::Ready(None) => this.exchange.end(Outcome::Complete),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

#[pinned_drop]
impl<B, C> PinnedDrop for ExchangeBody<B, C> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        let _entered = (!this.exchange.has_ended()).then(|| this.exchange.enter());
        this.inner.set(None);
    }
}

/// Ends the exchange with the last data or with trailers, because a server need not poll again after them.
fn on_frame<D: bytes::Buf>(exchange: &mut Exchange, frame: &Frame<D>, is_last: bool) {
    if let Some(data) = frame.data_ref() {
        exchange.on_body_content(data.chunk());
        exchange.on_body_chunk(data.remaining() as u64);
    }
    if let Some(trailers) = frame.trailers_ref() {
        exchange.on_trailers(trailers);
    }
    if is_last || frame.is_trailers() {
        exchange.end(Outcome::Complete);
    }
}
