use std::{borrow::Cow, net::SocketAddr, thread};

use http::{HeaderName, header::CONTENT_TYPE};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanRef, Status, TraceContextExt},
};
use tracing::Span;

use super::{
    body_counter::BodySize,
    instrumentation::Instrumentation,
    options::Options,
    outcome::{Ending, ErrorType, Outcome},
    request_span::RequestSpan,
    shared_state::Late,
    start::Started,
};
use crate::{
    bridge::{layer, tracing_span},
    http::{ProtocolVersion, ResponseHead},
    propagation::{Headers, HeadersMut},
    semconv::{
        names,
        peer::put_peer,
        rpc::{RpcStatus, is_grpc},
        status::status_text,
    },
    trace::timer::Clock,
};

static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

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
    instrumentation: Instrumentation,
    clock: Clock,
    side: Side,
    method: Method,
    is_recorded: bool,
    has_ended: bool,
    /// Who receives the request is to know nothing of the trace.
    is_concealed: bool,
    status: Option<u16>,
    rpc_status: Option<RpcStatus>,
    has_begun: bool,
    /// Bytes of the response's body still to come, `UNKNOWN` where its length is not known.
    remaining: u64,
    /// The last byte is not the end: the status of a call is still to come.
    awaits_trailers: bool,
    late: Option<Late>,
}

const UNKNOWN: u64 = u64::MAX;

/// What the method tells of a response: whether it has a body (RFC 9110, section 6.4.1), and whether it can be gRPC's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Head,
    Connect,
    Post,
    Other,
}

impl Method {
    #[inline]
    fn of(method: &str) -> Self {
        match method {
            "HEAD" => Self::Head,
            "CONNECT" => Self::Connect,
            "POST" => Self::Post,
            _ => Self::Other,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Server,
    Client,
}

impl Exchange {
    #[inline(always)]
    pub(super) fn server(
        started: Started,
        companion: Span,
        clock: Clock,
        method: &str,
        late: Option<Late>,
        instrumentation: Instrumentation,
    ) -> Self {
        layer::bind(&companion, &started.context);
        let start = (clock, Side::Server, Method::of(method));
        Self::open(started, companion, start, late, instrumentation)
    }

    pub(super) fn client(
        started: Started,
        clock: Clock,
        method: &str,
        late: Option<Late>,
        instrumentation: Instrumentation,
    ) -> Self {
        let start = (clock, Side::Client, Method::of(method));
        Self::open(started, Span::none(), start, late, instrumentation)
    }

    /// An exchange without a span of its own, in `context`.
    pub(super) fn untraced(
        context: Context,
        method: &str,
        instrumentation: Instrumentation,
    ) -> Self {
        let started = Started { context, is_recorded: false };
        Self::client(started, Clock::default(), method, None, instrumentation)
    }

    #[inline(always)]
    fn open(
        Started { context, is_recorded }: Started,
        companion: Span,
        (clock, side, method): (Clock, Side, Method),
        late: Option<Late>,
        instrumentation: Instrumentation,
    ) -> Self {
        Self {
            open: Some(Open {
                context,
                companion,
                instrumentation,
                clock,
                side,
                method,
                is_recorded,
                has_ended: false,
                is_concealed: false,
                status: None,
                rpc_status: None,
                has_begun: false,
                remaining: UNKNOWN,
                awaits_trailers: false,
                late,
            }),
        }
    }

    /// What is left where an exchange was taken away: nothing.
    pub const fn none() -> Self {
        Self { open: None }
    }

    /// The span, for the request's extensions.
    pub fn request_span(&self) -> Option<RequestSpan> {
        let open = self.open.as_ref()?;
        Some(RequestSpan::new(&open.context, open.late.as_ref(), &open.instrumentation))
    }

    /// The OpenTelemetry context with the span in it.
    pub fn context(&self) -> Option<&Context> {
        self.open.as_ref().map(|open| &open.context)
    }

    pub(super) fn conceal(&mut self) {
        if let Some(open) = &mut self.open {
            open.is_concealed = true;
        }
    }

    /// Writes the context into the headers of a request, unless its host may not know it: then such fields are removed.
    pub fn inject<H: HeadersMut>(&self, headers: &mut H) {
        let Some(open) = &self.open else { return };
        let propagator = open.instrumentation.propagator();
        if open.is_concealed {
            propagator.remove(headers);
        } else {
            propagator.inject(&open.context, headers);
        }
    }

    /// Counts the body of the request, where that was asked for.
    pub fn request_size(&self) -> Option<BodySize> {
        let open = self.open.as_ref()?;
        let late = open.late.as_ref().filter(|_| open.options().has_body_sizes);
        late.cloned().map(BodySize)
    }

    /// Whether a route found now would name the span.
    pub fn lacks_route(&self) -> bool {
        let late = self.open.as_ref().and_then(|open| open.late.as_ref());
        late.is_some_and(|late| !late.has_route())
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
        tracing_span::in_scope(&open.companion, &open.context, f)
    }

    /// Makes the span current for as long as the answer lives: [`in_scope`](Self::in_scope) for who owns the exchange, so that
    /// a panic drops it.
    #[inline(always)]
    pub fn enter(&self) -> impl Sized + '_ {
        let open = self.open.as_ref();
        open.map(|open| tracing_span::enter(&open.companion, &open.context))
    }

    /// Adds the fields that tell of the trace to the headers of a response, where that was asked for.
    #[inline]
    pub fn announce<H: HeadersMut>(&self, headers: &mut H) {
        let Some(open) = &self.open else { return };
        for field in &open.options().response_fields {
            field.write(open.context.span().span_context(), headers);
        }
    }

    /// The head of the response is known.
    pub fn respond<H: Headers>(&mut self, response: &ResponseHead<'_, H>) {
        let Some(open) = &mut self.open else { return };
        let ResponseHead { status, length, headers } = *response;
        open.status = Some(status);
        open.remaining = length.unwrap_or(UNKNOWN);
        open.record_response(status, headers);
        match (status, open.method) {
            (101, _) | (200..300, Method::Connect) => self.finish(Outcome::Upgraded),
            (204 | 205 | 304, _) | (_, Method::Head) => self.finish(Outcome::Complete),
            _ if length == Some(0) && !open.awaits_trailers => self.finish(Outcome::Complete),
            _ => {}
        }
    }

    /// What a client learns with the head of the response; a server knew it before.
    #[inline]
    pub fn received(&self, version: Option<ProtocolVersion>, peer: Option<SocketAddr>) {
        let is_client = |open: &&Open| open.side == Side::Client;
        let Some(open) = self.open.as_ref().filter(is_client) else { return };
        if let Some((late, version)) = open.late.as_ref().zip(version) {
            late.set_version(version);
        }
        if open.is_recorded {
            open.record_connection(version, peer);
        }
    }

    /// What should have answered with a response failed, and does not say how.
    pub(super) fn fail(&mut self) {
        let is_client = self.open.as_ref().is_some_and(|open| open.side == Side::Client);
        let error = if is_client { ErrorType::Request } else { ErrorType::Service };
        self.finish(Outcome::Failed(error));
    }

    /// A frame with `bytes` of data was handed over.
    ///
    /// A server stops polling a body at its declared length, so its last byte is the end of the exchange.
    #[inline]
    pub fn sent(&mut self, bytes: u64) {
        let Some(open) = &mut self.open else { return };
        if let Some(late) = &open.late {
            late.add_to_response(bytes);
        }
        if open.remaining == UNKNOWN {
            open.begin(bytes);
            return;
        }
        open.remaining = open.remaining.saturating_sub(bytes);
        if open.remaining == 0 && !open.awaits_trailers {
            self.finish(Outcome::Complete);
        }
    }

    /// The trailers behind the body have come.
    pub fn trailers<H: Headers>(&mut self, trailers: &H) {
        if let Some(open) = self.open.as_mut().filter(|open| open.awaits_trailers) {
            open.read_rpc_status(trailers);
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
            if open.is_observed() {
                open.end(outcome);
            }
        }
    }

    /// Nobody has finished it, and nobody will.
    #[cold]
    fn abandon(&mut self) {
        let Some(open) = &self.open else { return };
        // A panic of the caller is no failure of the service it called.
        let panicked = open.side == Side::Server && thread::panicking();
        let outcome = match open.remaining {
            _ if panicked => Outcome::Panicked,
            0 => Outcome::Complete,
            _ => Outcome::Cancelled,
        };
        self.finish(outcome);
    }
}

impl Drop for Exchange {
    #[inline]
    fn drop(&mut self) {
        if !self.has_ended() {
            self.abandon();
        }
    }
}

/// Whether a response is that of a gRPC call.
fn is_call<H: Headers>(headers: &H) -> bool {
    headers.values(&CONTENT_TYPE).next().is_some_and(is_grpc)
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
    fn options(&self) -> &Options {
        self.instrumentation.options()
    }

    fn record_connection(&self, version: Option<ProtocolVersion>, peer: Option<SocketAddr>) {
        let span = self.context.span();
        if let Some(version) = version {
            span.set_attribute(KeyValue::new(names::NETWORK_PROTOCOL_VERSION, version.as_str()));
        }
        if let Some(peer) = peer {
            let mut attributes = Vec::new();
            put_peer(peer, &mut attributes);
            span.set_attributes(attributes);
        }
    }

    /// What the head of the response has besides its status.
    #[inline]
    fn record_response<H: Headers>(&mut self, status: u16, headers: &H) {
        if self.method == Method::Post {
            self.record_call(headers);
        }
        let detail = &self.options().detail;
        if self.is_recorded && detail.describes_responses() {
            self.context.span().set_attributes(detail.describe_response(status, headers));
        }
    }

    fn record_call<H: Headers>(&mut self, headers: &H) {
        if !is_call(headers) {
            return;
        }
        self.read_rpc_status(headers);
        self.awaits_trailers = self.rpc_status.is_none();
        if let Some(late) = self.late.as_ref().filter(|_| self.is_recorded) {
            let is_known = !self.rpc_status.is_some_and(RpcStatus::is_unimplemented);
            late.record_call(&self.context.span(), is_known);
        }
    }

    /// A call that fails before its first message says so in the head, any other in the trailers.
    fn read_rpc_status<H: Headers>(&mut self, headers: &H) {
        let status = headers.values(&GRPC_STATUS).next().and_then(RpcStatus::parse);
        self.rpc_status = status.or(self.rpc_status);
    }

    /// What is streamed begins with the first byte, not with the head.
    fn begin(&mut self, bytes: u64) {
        if self.has_begun || bytes == 0 {
            return;
        }
        self.has_begun = true;
        if self.is_recorded {
            let span = self.context.span();
            span.add_event_with_timestamp(names::FIRST_BYTE, self.clock.now(), Vec::new());
        }
    }

    /// Whether there is anything to tell of the end.
    fn is_observed(&self) -> bool {
        self.is_recorded || self.late.is_some()
    }

    /// Span and metric end by the same reading of the clock.
    fn end(&self, outcome: Outcome) {
        let elapsed = self.clock.elapsed();
        let error_type = self.error_type(outcome);
        if let Some(late) = &self.late {
            late.record(&self.context, &self.clock, elapsed, self.status, error_type.as_ref());
        }
        if self.is_recorded {
            let span = self.context.span();
            self.record(&span, error_type);
            span.end_with_timestamp(self.clock.at(elapsed));
        }
    }

    #[inline]
    fn record(&self, span: &SpanRef<'_>, error_type: Option<Cow<'static, str>>) {
        if let Some(status) = self.status {
            let status = i64::from(status);
            span.set_attribute(KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, status));
        }
        if let Some(status) = self.rpc_status {
            span.set_attribute(KeyValue::new(names::RPC_RESPONSE_STATUS_CODE, status.as_str()));
        }
        if let Some(late) = self.late.as_ref().filter(|_| self.options().has_body_sizes) {
            self.record_sizes(span, late.sizes());
        }
        if let Some(error_type) = error_type {
            span.set_attribute(self.options().detail.attribute(names::ERROR_TYPE, error_type));
            span.set_status(Status::error(""));
        }
    }

    fn record_sizes(&self, span: &SpanRef<'_>, (request, response): (u64, u64)) {
        let put = |key, bytes: u64| {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            span.set_attribute(KeyValue::new(key, bytes));
        };
        put(names::HTTP_REQUEST_BODY_SIZE, request);
        if self.status.is_some() {
            put(names::HTTP_RESPONSE_BODY_SIZE, response);
        }
    }

    #[inline]
    fn error_type(&self, outcome: Outcome) -> Option<Cow<'static, str>> {
        let error_type = self.conventional_error_type(outcome);
        let Some(error_type_of) = &self.options().error_type_of else {
            return error_type;
        };
        error_type_of(Ending {
            outcome,
            status: self.status,
            rpc_status: self.rpc_status.map(RpcStatus::as_str),
            error_type,
        })
    }

    /// Semantic conventions, "Recording errors".
    fn conventional_error_type(&self, outcome: Outcome) -> Option<Cow<'static, str>> {
        if let Some(error_type) = self.failure(outcome) {
            return Some(error_type.as_str().into());
        }
        if let Some(status) = self.status.filter(|status| self.is_error(*status)) {
            return Some(status_text(status));
        }
        let status = self.rpc_status.filter(|it| it.is_error(self.side == Side::Server))?;
        Some(status.as_str().into())
    }

    /// Semantic conventions, HTTP spans, "Status": a 4xx is the caller's mistake, not the server's.
    const fn is_error(&self, status: u16) -> bool {
        match self.side {
            Side::Server => status >= 500,
            Side::Client => status >= 400,
        }
    }

    /// `None` where the status code alone tells.
    const fn failure(&self, outcome: Outcome) -> Option<ErrorType> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Moving more than that is a call of `memcpy`, and an exchange moves from the future into the body.
    #[test]
    fn an_exchange_is_moved_in_registers() {
        assert!(size_of::<Exchange>() <= 128, "{}", size_of::<Exchange>());
    }
}
