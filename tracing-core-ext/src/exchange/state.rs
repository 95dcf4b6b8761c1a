use std::{net::SocketAddr, thread};

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanRef, Status, TraceContextExt},
};
use tracing::Span;

use super::{
    clock::Clock,
    layer,
    outcome::{ErrorType, Outcome},
    request_span::RequestSpan,
};
use crate::http::{ProtocolVersion, put_peer, semconv};

/// One request and its response, on the server's or on the client's side.
///
/// It owns the span and ends it exactly once. The [module](crate::exchange) says when its methods are called.
#[derive(Debug)]
#[must_use = "dropping an exchange finishes it as cancelled"]
pub struct Exchange {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    context: Context,
    companion: Span,
    clock: Clock,
    side: Side,
    method: Method,
    has_ended: bool,
    /// Entering the companion attaches the context.
    is_bound: bool,
    status: Option<u16>,
    /// Bytes of the body still to come, where the length is known.
    remaining: Option<u64>,
}

/// The methods that tell whether a response has a body: RFC 9110, section 6.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Head,
    Connect,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Server,
    Client,
}

impl Exchange {
    #[inline]
    pub(super) fn server(context: Context, companion: Span, clock: Clock, method: &str) -> Self {
        let is_bound = layer::bind(&companion, &context);
        Self::open(context, companion, clock, Side::Server, method, is_bound)
    }

    pub(super) fn client(context: Context, clock: Clock, method: &str) -> Self {
        Self::open(context, Span::none(), clock, Side::Client, method, false)
    }

    #[inline]
    fn open(
        context: Context,
        companion: Span,
        clock: Clock,
        side: Side,
        method: &str,
        is_bound: bool,
    ) -> Self {
        let method = match method {
            "HEAD" => Method::Head,
            "CONNECT" => Method::Connect,
            _ => Method::Other,
        };
        let open = Open {
            context,
            companion,
            clock,
            side,
            method,
            has_ended: false,
            is_bound,
            status: None,
            remaining: None,
        };
        Self { open: Some(open) }
    }

    /// What is left where an exchange was taken away: nothing.
    pub const fn none() -> Self {
        Self { open: None }
    }

    /// The span, for the request's extensions.
    pub fn request_span(&self) -> Option<RequestSpan> {
        self.open.as_ref().map(|open| RequestSpan::new(&open.context))
    }

    /// The OpenTelemetry context with the span in it.
    pub fn context(&self) -> Option<&Context> {
        self.open.as_ref().map(|open| &open.context)
    }

    /// Runs `f` with the span current, for OpenTelemetry and for `tracing`. That goes on after the exchange is finished:
    /// code behind the last byte is still the request's.
    ///
    /// # Panics
    ///
    /// Where `f` does; the exchange is finished as panicked then.
    pub fn in_scope<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let unwinding = FinishOnUnwind(self);
        let Some(open) = &unwinding.0.open else {
            return f();
        };
        let _entered = open.companion.enter();
        // Above what a layer attaches for the companion, which may be a span of no use.
        let _attached = (!open.is_bound).then(|| open.context.clone().attach());
        f()
    }

    /// The head of the response is known: its status, and the length of its body in bytes where that is known.
    pub fn respond(&mut self, status: u16, length: Option<u64>) {
        let Some(open) = &mut self.open else { return };
        open.status = Some(status);
        open.remaining = length;
        match (status, open.method) {
            (101, _) | (200..300, Method::Connect) => self.finish(Outcome::Upgraded),
            (204 | 205 | 304, _) | (_, Method::Head) => self.finish(Outcome::Complete),
            _ if length == Some(0) => self.finish(Outcome::Complete),
            _ => {}
        }
    }

    /// What a client learns with the head of the response.
    pub fn received(&self, version: Option<ProtocolVersion>, peer: Option<SocketAddr>) {
        let Some(open) = &self.open else { return };
        let span = open.context.span();
        if !span.is_recording() {
            return;
        }
        if let Some(version) = version {
            span.set_attribute(KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, version.as_str()));
        }
        if let Some(peer) = peer {
            put_peer(peer, &mut |attribute| span.set_attribute(attribute));
        }
    }

    /// A frame with `bytes` of data was handed over.
    ///
    /// A server stops polling a body at its declared length, so its last byte is the end of the exchange.
    pub fn sent(&mut self, bytes: u64) {
        let Some(remaining) = self.open.as_mut().and_then(|open| open.remaining.as_mut()) else {
            return;
        };
        *remaining = remaining.saturating_sub(bytes);
        if *remaining == 0 {
            self.finish(Outcome::Complete);
        }
    }

    /// Whether nothing can end the exchange any more.
    #[inline]
    pub fn has_ended(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.has_ended)
    }

    /// Ends the exchange; only the first call counts.
    #[inline]
    pub fn finish(&mut self, outcome: Outcome) {
        if let Some(open) = self.open.as_mut().filter(|open| !open.has_ended) {
            open.has_ended = true;
            open.finish(outcome);
        }
    }
}

impl Drop for Exchange {
    #[inline]
    fn drop(&mut self) {
        let Some(open) = self.open.as_ref().filter(|open| !open.has_ended) else {
            return;
        };
        // A panic of the caller is no failure of the service it called.
        let panicked = open.side == Side::Server && thread::panicking();
        self.finish(if panicked { Outcome::Panicked } else { Outcome::Cancelled });
    }
}

/// A panic may be caught between us and the executor, so that nothing of ours is dropped while it unwinds.
struct FinishOnUnwind<'a>(&'a mut Exchange);

impl Drop for FinishOnUnwind<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.finish(Outcome::Panicked);
        }
    }
}

impl Open {
    fn finish(&self, outcome: Outcome) {
        let span = self.context.span();
        if span.is_recording() {
            let ended = self.clock.now();
            self.record(&span, outcome);
            span.end_with_timestamp(ended);
        }
    }

    fn record(&self, span: &SpanRef<'_>, outcome: Outcome) {
        if let Some(status) = self.status {
            span.set_attribute(KeyValue::new(
                semconv::HTTP_RESPONSE_STATUS_CODE,
                i64::from(status),
            ));
        }
        if let Some(error) = self.error_type(outcome) {
            span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, error.as_str()));
            span.set_status(Status::error(""));
        } else if let Some(status) = self.status.filter(|status| self.is_error(*status)) {
            span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, status.to_string()));
            span.set_status(Status::error(""));
        }
    }

    /// Semantic conventions, HTTP spans, "Status": a 4xx is the caller's mistake, not the server's.
    const fn is_error(&self, status: u16) -> bool {
        match self.side {
            Side::Server => status >= 500,
            Side::Client => status >= 400,
        }
    }

    /// `None` where the status code alone tells.
    const fn error_type(&self, outcome: Outcome) -> Option<ErrorType> {
        match (outcome, self.side) {
            (Outcome::Complete | Outcome::Upgraded, _) | (Outcome::Cancelled, Side::Client) => None,
            (Outcome::Failed(error), _) => Some(error),
            (Outcome::Panicked, _) => Some(ErrorType::Panic),
            (Outcome::Cancelled, Side::Server) if self.status.is_none() => {
                Some(ErrorType::CancelledBeforeHead)
            }
            (Outcome::Cancelled, Side::Server) => Some(ErrorType::CancelledMidBody),
        }
    }
}
