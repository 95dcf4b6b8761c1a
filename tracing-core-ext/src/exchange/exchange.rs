use std::{borrow::Cow, mem, net::SocketAddr, thread};

use http::{HeaderName, header::CONTENT_TYPE};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanRef, Status, TraceContextExt},
};
use tracing::Span;

use super::{
    body_counter::BodyCounter,
    instrumentation::Instrumentation,
    options::Options,
    outcome::{ErrorType, ExchangeSummary, Outcome},
    request_span::RequestSpan,
    shared_state::SharedState,
    start::Started,
};
use crate::{
    bridge::{layer, tracing_span},
    http::{ProtocolVersion, ResponseHead},
    propagation::{Headers, HeadersMut},
    semconv::{
        names,
        peer::push_peer,
        rpc::{RpcStatus, is_grpc},
        status::status_text,
    },
    trace::timer::Timer,
};

static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// One request and its response, on the server's or on the client's side.
///
/// It owns the span and ends it exactly once. The [module](crate::exchange) says when its methods are called.
#[derive(Debug)]
#[must_use = "dropping an exchange finishes it as cancelled"]
pub struct Exchange {
    active: Option<ActiveExchange>,
}

#[derive(Debug)]
struct ActiveExchange {
    context: Context,
    tracing_span: Span,
    instrumentation: Instrumentation,
    clock: Timer,
    side: Side,
    method: MethodKind,
    is_recorded: bool,
    has_ended: bool,
    /// Whether trace context may be sent to the host of the request.
    injects: bool,
    status: Option<u16>,
    rpc_status: Option<RpcStatus>,
    has_first_byte: bool,
    /// Bytes of the response's body still to come, `UNKNOWN` where its length is not known.
    remaining: u64,
    /// The last byte is not the end: the status of a call is still to come.
    awaits_trailers: bool,
    shared: Option<SharedState>,
}

const UNKNOWN: u64 = u64::MAX;

/// What the method tells of a response: whether it has a body (RFC 9110, section 6.4.1), and whether it can be gRPC's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MethodKind {
    Head,
    Connect,
    Post,
    Other,
}

impl MethodKind {
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
        tracing_span: Span,
        clock: Timer,
        method: &str,
        shared: Option<SharedState>,
        instrumentation: Instrumentation,
    ) -> Self {
        layer::set_context(&tracing_span, &started.context);
        let start = (clock, Side::Server, MethodKind::of(method));
        Self::activate(started, tracing_span, start, shared, instrumentation)
    }

    pub(super) fn client(
        started: Started,
        clock: Timer,
        method: &str,
        shared: Option<SharedState>,
        instrumentation: Instrumentation,
    ) -> Self {
        let start = (clock, Side::Client, MethodKind::of(method));
        Self::activate(started, Span::none(), start, shared, instrumentation)
    }

    /// An exchange without a span of its own, in `context`.
    pub(super) fn untraced(
        context: Context,
        method: &str,
        instrumentation: Instrumentation,
    ) -> Self {
        let started = Started { context, is_recorded: false };
        Self::client(started, Timer::default(), method, None, instrumentation)
    }

    #[inline(always)]
    fn activate(
        Started { context, is_recorded }: Started,
        tracing_span: Span,
        (clock, side, method): (Timer, Side, MethodKind),
        shared: Option<SharedState>,
        instrumentation: Instrumentation,
    ) -> Self {
        Self {
            active: Some(ActiveExchange {
                context,
                tracing_span,
                instrumentation,
                clock,
                side,
                method,
                is_recorded,
                has_ended: false,
                injects: true,
                status: None,
                rpc_status: None,
                has_first_byte: false,
                remaining: UNKNOWN,
                awaits_trailers: false,
                shared,
            }),
        }
    }

    /// A no-op exchange: its methods do nothing.
    pub const fn noop() -> Self {
        Self { active: None }
    }

    /// Takes the exchange out and leaves a no-op behind.
    pub const fn take(&mut self) -> Self {
        mem::replace(self, Self::noop())
    }

    /// The span, for the request's extensions.
    pub fn request_span(&self) -> Option<RequestSpan> {
        let active = self.active.as_ref()?;
        Some(RequestSpan::new(&active.context, active.shared.as_ref(), &active.instrumentation))
    }

    /// The OpenTelemetry context with the span in it.
    pub fn context(&self) -> Option<&Context> {
        self.active.as_ref().map(|active| &active.context)
    }

    pub(super) fn skip_injection(&mut self) {
        if let Some(active) = &mut self.active {
            active.injects = false;
        }
    }

    /// Writes the context into the headers of a request, unless its host may not know it: then such fields are removed.
    pub fn inject<H: HeadersMut>(&self, headers: &mut H) {
        let Some(active) = &self.active else { return };
        let propagator = active.instrumentation.propagator();
        if active.injects {
            propagator.inject(&active.context, headers);
        } else {
            propagator.remove(headers);
        }
    }

    /// Counts the body of the request, where that was asked for.
    pub fn request_body_counter(&self) -> Option<BodyCounter> {
        let active = self.active.as_ref()?;
        let shared = active.shared.as_ref().filter(|_| active.options().has_body_sizes);
        shared.cloned().map(BodyCounter)
    }

    /// Whether a route found now would name the span.
    pub fn needs_route(&self) -> bool {
        let shared = self.active.as_ref().and_then(|active| active.shared.as_ref());
        shared.is_some_and(|shared| !shared.has_route())
    }

    /// Runs `f` with the span current, for OpenTelemetry and for `tracing`. That goes on after the exchange is finished:
    /// code behind the last byte is still the request's.
    ///
    /// # Panics
    ///
    /// Where `f` does; the exchange is finished as panicked then.
    pub fn in_scope<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let unwinding = EndOnUnwind(self);
        let Some(active) = &unwinding.0.active else {
            return f();
        };
        tracing_span::in_scope(&active.tracing_span, &active.context, f)
    }

    /// Makes the span current for as long as the answer lives: [`in_scope`](Self::in_scope) for who owns the exchange, so that
    /// a panic drops it.
    #[inline(always)]
    pub fn enter(&self) -> impl Sized + '_ {
        let active = self.active.as_ref();
        active.map(|active| tracing_span::enter(&active.tracing_span, &active.context))
    }

    /// Adds the fields that tell of the trace to the headers of a response, where that was asked for.
    #[inline]
    pub fn inject_response<H: HeadersMut>(&self, headers: &mut H) {
        let Some(active) = &self.active else { return };
        for field in &active.options().response_headers {
            field.write(active.context.span().span_context(), headers);
        }
    }

    /// The head of the response is known.
    pub fn on_response<H: Headers>(&mut self, response: &ResponseHead<'_, H>) {
        let Some(active) = &mut self.active else { return };
        let ResponseHead { status, length, headers } = *response;
        active.status = Some(status);
        active.remaining = length.unwrap_or(UNKNOWN);
        active.record_response(status, headers);
        match (status, active.method) {
            (101, _) | (200..300, MethodKind::Connect) => self.end(Outcome::Upgraded),
            (204 | 205 | 304, _) | (_, MethodKind::Head) => self.end(Outcome::Complete),
            _ if length == Some(0) && !active.awaits_trailers => self.end(Outcome::Complete),
            _ => {}
        }
    }

    /// What a client learns with the head of the response; a server knew it before.
    #[inline]
    pub fn record_connection(&self, version: Option<ProtocolVersion>, peer: Option<SocketAddr>) {
        let is_client = |active: &&ActiveExchange| active.side == Side::Client;
        let Some(active) = self.active.as_ref().filter(is_client) else { return };
        if let Some((shared, version)) = active.shared.as_ref().zip(version) {
            shared.set_version(version);
        }
        if active.is_recorded {
            active.record_connection(version, peer);
        }
    }

    /// What should have answered with a response failed, and does not say how.
    pub(super) fn end_with_error(&mut self) {
        let is_client = self.active.as_ref().is_some_and(|active| active.side == Side::Client);
        let error = if is_client { ErrorType::Request } else { ErrorType::Service };
        self.end(Outcome::Failed(error));
    }

    /// A frame with `bytes` of data was handed over.
    ///
    /// A server stops polling a body at its declared length, so its last byte is the end of the exchange.
    #[inline]
    pub fn on_body_chunk(&mut self, bytes: u64) {
        let Some(active) = &mut self.active else { return };
        if let Some(shared) = &active.shared {
            shared.add_to_response(bytes);
        }
        if active.remaining == UNKNOWN {
            active.on_first_byte(bytes);
            return;
        }
        active.remaining = active.remaining.saturating_sub(bytes);
        if active.remaining == 0 && !active.awaits_trailers {
            self.end(Outcome::Complete);
        }
    }

    /// The trailers behind the body have come.
    pub fn on_trailers<H: Headers>(&mut self, trailers: &H) {
        if let Some(active) = self.active.as_mut().filter(|active| active.awaits_trailers) {
            active.parse_rpc_status(trailers);
        }
    }

    /// Whether nothing can end the exchange any more.
    #[inline]
    pub fn has_ended(&self) -> bool {
        self.active.as_ref().is_none_or(|active| active.has_ended)
    }

    /// Ends the exchange; only the first call counts.
    #[inline]
    pub fn end(&mut self, outcome: Outcome) {
        if let Some(active) = self.active.as_mut().filter(|active| !active.has_ended) {
            active.has_ended = true;
            if active.is_recorded_or_measured() {
                active.end_span(outcome);
            }
        }
    }

    /// Called on drop if [`end`](Self::end) was not called.
    #[cold]
    fn end_on_drop(&mut self) {
        let Some(active) = &self.active else { return };
        // A panic of the caller is no failure of the service it called.
        let panicked = active.side == Side::Server && thread::panicking();
        let outcome = match active.remaining {
            _ if panicked => Outcome::Panicked,
            0 => Outcome::Complete,
            _ => Outcome::Cancelled,
        };
        self.end(outcome);
    }
}

impl Drop for Exchange {
    #[inline]
    fn drop(&mut self) {
        if !self.has_ended() {
            self.end_on_drop();
        }
    }
}

/// Whether a response is that of a gRPC call.
fn is_grpc_response<H: Headers>(headers: &H) -> bool {
    headers.values(&CONTENT_TYPE).next().is_some_and(is_grpc)
}

/// A panic may be caught between us and the executor, so that nothing of ours is dropped while it unwinds.
struct EndOnUnwind<'a>(&'a mut Exchange);

impl Drop for EndOnUnwind<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end(Outcome::Panicked);
        }
    }
}

impl ActiveExchange {
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
            push_peer(peer, &mut attributes);
            span.set_attributes(attributes);
        }
    }

    /// What the head of the response has besides its status.
    #[inline]
    fn record_response<H: Headers>(&mut self, status: u16, headers: &H) {
        if self.method == MethodKind::Post {
            self.record_grpc_head(headers);
        }
        let attribute_options = &self.options().attribute_options;
        if self.is_recorded && attribute_options.describes_responses() {
            self.context
                .span()
                .set_attributes(attribute_options.describe_response(status, headers));
        }
    }

    fn record_grpc_head<H: Headers>(&mut self, headers: &H) {
        if !is_grpc_response(headers) {
            return;
        }
        self.parse_rpc_status(headers);
        self.awaits_trailers = self.rpc_status.is_none();
        if let Some(shared) = self.shared.as_ref().filter(|_| self.is_recorded) {
            let is_known = !self.rpc_status.is_some_and(RpcStatus::is_unimplemented);
            shared.record_rpc_method(&self.context.span(), is_known);
        }
    }

    /// A call that fails before its first message says so in the head, any other in the trailers.
    fn parse_rpc_status<H: Headers>(&mut self, headers: &H) {
        let status = headers.values(&GRPC_STATUS).next().and_then(RpcStatus::parse);
        self.rpc_status = status.or(self.rpc_status);
    }

    /// What is streamed begins with the first byte, not with the head.
    fn on_first_byte(&mut self, bytes: u64) {
        if self.has_first_byte || bytes == 0 {
            return;
        }
        self.has_first_byte = true;
        if self.is_recorded {
            let span = self.context.span();
            span.add_event_with_timestamp(names::FIRST_BYTE, self.clock.now(), Vec::new());
        }
    }

    /// Whether there is anything to tell of the end.
    fn is_recorded_or_measured(&self) -> bool {
        self.is_recorded || self.shared.is_some()
    }

    /// Span and metric end by the same reading of the clock.
    fn end_span(&self, outcome: Outcome) {
        let elapsed = self.clock.elapsed();
        let error_type = self.error_type(outcome);
        if let Some(shared) = &self.shared {
            shared.record(&self.context, &self.clock, elapsed, self.status, error_type.as_ref());
        }
        if self.is_recorded {
            let span = self.context.span();
            self.record(&span, error_type);
            span.end_with_timestamp(self.clock.end_time(elapsed));
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
        if let Some(shared) = self.shared.as_ref().filter(|_| self.options().has_body_sizes) {
            self.record_sizes(span, shared.body_sizes());
        }
        if let Some(error_type) = error_type {
            span.set_attribute(
                self.options().attribute_options.attribute(names::ERROR_TYPE, error_type),
            );
            span.set_status(Status::error(""));
        }
    }

    fn record_sizes(&self, span: &SpanRef<'_>, (request, response): (u64, u64)) {
        let set = |key, bytes: u64| {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            span.set_attribute(KeyValue::new(key, bytes));
        };
        set(names::HTTP_REQUEST_BODY_SIZE, request);
        if self.status.is_some() {
            set(names::HTTP_RESPONSE_BODY_SIZE, response);
        }
    }

    #[inline]
    fn error_type(&self, outcome: Outcome) -> Option<Cow<'static, str>> {
        let error_type = self.conventional_error_type(outcome);
        let Some(error_type_fn) = &self.options().error_type_fn else {
            return error_type;
        };
        error_type_fn(ExchangeSummary {
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
