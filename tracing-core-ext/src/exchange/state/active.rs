//! State of an exchange between its start and its end.

use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderName, header::CONTENT_TYPE};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanRef, Status, TraceContextExt, TraceState},
};

use super::shared_state::SharedState;
use crate::exchange::{
    builder::options::Options,
    instrumentation::Instrumentation,
    outcome::{ErrorType, ExchangeSummary, Outcome, reason::FailureReason},
    request_log::{LineDetails, ended_request::EndedRequest, entry::LogEntry},
};
use crate::{
    base::contain,
    bridge::{request_attributes, tracing_span::TracingSpan},
    http::ProtocolVersion,
    propagation::Headers,
    semconv::{
        Facts, names,
        peer::push_peer,
        rpc::{self, GrpcProtocol, RpcStatus},
        status::status_text,
    },
    trace::{HeldTrace, Timer},
};

static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

#[derive(Debug)]
pub(crate) struct ActiveExchange {
    pub(crate) context: Context,
    pub(crate) tracing_span: TracingSpan,
    pub(crate) instrumentation: Instrumentation,
    pub(crate) timer: Timer,
    pub(crate) side: Side,
    pub(crate) method: MethodKind,
    pub(crate) is_recorded: bool,
    /// Trace that waits for a decision when the span ends.
    pub(crate) held: Option<Arc<HeldTrace>>,
    /// Whether the option `filter` has excluded the request.
    pub(crate) is_filtered: bool,
    pub(crate) has_ended: bool,
    /// Whether trace context may be sent to the host of the request.
    pub(crate) injects: bool,
    pub(crate) status: Option<u16>,
    pub(crate) rpc_status: Option<RpcStatus>,
    pub(crate) has_first_byte: bool,
    /// Remaining bytes of the response's body, `UNKNOWN` if its length is not known.
    pub(crate) remaining: u64,
    /// Protocol of a gRPC call whose status has not arrived yet.
    pub(crate) awaits_status: Option<GrpcProtocol>,
    /// The reason of a failure that is about to end the exchange.
    pub(crate) reason: Option<Box<FailureReason>>,
    pub(crate) shared: Option<SharedState>,
}

/// Marker for a body whose length is not known.
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// Kind of the request method: whether a response to it has a body (RFC 9110, section 6.4.1), and whether it can be one
/// of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MethodKind {
    Head,
    Connect,
    Post,
    Other,
}

impl MethodKind {
    #[inline]
    pub(crate) fn new(method: &str) -> Self {
        match method {
            "HEAD" => Self::Head,
            "CONNECT" => Self::Connect,
            "POST" => Self::Post,
            _ => Self::Other,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

impl ActiveExchange {
    pub(crate) fn options(&self) -> &Options {
        self.instrumentation.options()
    }

    pub(crate) fn record_connection(
        &self,
        version: Option<ProtocolVersion>,
        peer: Option<SocketAddr>,
    ) {
        let span = self.context.span();
        if let Some(version) = version {
            span.set_attribute(KeyValue::new(names::NETWORK_PROTOCOL_VERSION, version.as_str()));
        }
        if let Some(peer) = peer {
            let mut facts = Facts::default();
            push_peer(peer, &mut facts);
            span.set_attributes(facts.take_attributes());
        }
    }

    /// Records attributes from the headers of the response.
    #[inline]
    pub(crate) fn record_response<H: Headers>(&mut self, status: u16, headers: &H) {
        if self.method == MethodKind::Post {
            self.record_grpc_head(status, headers);
        }
        let attribute_options = &self.options().attribute_options;
        if self.is_recorded && attribute_options.describes_responses() {
            self.context
                .span()
                .set_attributes(attribute_options.describe_response(status, headers));
        }
    }

    fn record_grpc_head<H: Headers>(&mut self, status: u16, headers: &H) {
        let content_type = headers.values(&CONTENT_TYPE).next();
        let Some(protocol) = content_type.and_then(GrpcProtocol::from_content_type) else {
            // A server without gRPC returns no status, and its clients derive one.
            let is_call = self.shared.as_ref().is_some_and(SharedState::is_grpc);
            let is_derived = is_call && self.side == Side::Client;
            self.rpc_status = is_derived.then(|| RpcStatus::of_http(status));
            return;
        };
        self.parse_rpc_status(headers);
        self.awaits_status = self.rpc_status.is_none().then_some(protocol);
        if let Some(shared) = self.recorded_server_call() {
            let is_known = !self.rpc_status.is_some_and(RpcStatus::is_unimplemented);
            shared.record_rpc_method(&self.context.span(), is_known);
        }
    }

    /// Returns the shared state of a gRPC call that this server records.
    fn recorded_server_call(&self) -> Option<&SharedState> {
        let shared = self.shared.as_ref().filter(|_| self.is_recorded)?;
        (self.side == Side::Server && shared.is_grpc()).then_some(shared)
    }

    /// Whether the last byte is not the end, because trailers follow.
    #[inline]
    pub(crate) fn awaits_trailers(&self) -> bool {
        self.awaits_status == Some(GrpcProtocol::Http2)
    }

    /// Reads the status of gRPC-Web, which is in the body.
    #[inline]
    pub(crate) fn parse_web_status(&mut self, chunk: &[u8]) {
        if let Some(protocol) = self.awaits_status.filter(|it| *it != GrpcProtocol::Http2) {
            self.rpc_status = rpc::web_status(protocol, chunk).or(self.rpc_status);
        }
    }

    /// Reads the status of a gRPC call. A call that fails before its first message has it in the head, any other in the
    /// trailers.
    pub(crate) fn parse_rpc_status<H: Headers>(&mut self, headers: &H) {
        let status = headers.values(&GRPC_STATUS).next().and_then(RpcStatus::parse);
        self.rpc_status = status.or(self.rpc_status);
    }

    /// Records the first byte, at which a streamed body starts; the head may be sent long before.
    pub(crate) fn on_first_byte(&mut self, bytes: u64) {
        if self.has_first_byte || bytes == 0 {
            return;
        }
        self.has_first_byte = true;
        if self.is_recorded {
            let span = self.context.span();
            span.add_event_with_timestamp(names::FIRST_BYTE, self.timer.now(), Vec::new());
        }
    }

    /// Whether the end of the exchange is recorded, on a span or a metric.
    pub(crate) fn is_recorded_or_measured(&self) -> bool {
        self.is_recorded || self.shared.is_some()
    }

    /// Ends span and metric by the same reading of the clock.
    pub(crate) fn end_span(&mut self, outcome: Outcome) {
        let elapsed = self.timer.elapsed();
        if self.method == MethodKind::Post && self.status.is_none() {
            self.end_call_without_response(outcome, elapsed);
        }
        let error_type = self.error_type(outcome);
        if self.held.is_some() {
            return self.end_held_span(outcome, elapsed, error_type.as_ref());
        }
        if let Some(shared) = &self.shared {
            if let Some(entry) = shared.log_entry() {
                self.write_log(entry, outcome, elapsed, error_type.as_deref());
            }
            let span = self.context.span();
            let span = span.span_context();
            shared.record(span, &self.timer, elapsed, self.status, error_type.as_ref());
        }
        if self.is_recorded {
            self.end_recorded_span(elapsed, error_type);
        }
    }

    /// Writes the line of the request log.
    #[cold]
    fn write_log(
        &self,
        entry: &LogEntry,
        outcome: Outcome,
        duration: Duration,
        error_type: Option<&str>,
    ) {
        let Some(writer) = self.options().extras().and_then(|it| it.request_log.as_ref()) else {
            return;
        };
        let ended = EndedRequest {
            entry,
            attributes: request_attributes::of(&self.context),
            outcome,
            route: self.shared.as_ref().and_then(SharedState::route_label),
            status: self.status,
            rpc_status: self.rpc_status.map(RpcStatus::as_str),
            error_type,
            duration,
        };
        let details = || {
            let sizes = self.shared.as_ref().map(SharedState::body_sizes).unwrap_or_default();
            let reason = self.reason.as_deref().filter(|_| error_type.is_some());
            let attribute_options = &self.options().attribute_options;
            LineDetails {
                request_size: sizes.0,
                response_size: sizes.1.filter(|_| self.status.is_some()),
                exception_type: reason.and_then(FailureReason::type_name),
                exception_message: reason.map(|it| it.redacted_message(attribute_options)),
            }
        };
        let _attached = self.context.clone().attach();
        // A subscriber may panic, and this code also runs while a panic unwinds.
        contain("the subscriber of the request log", || writer.write(&ended, details));
    }

    /// Whether the reason of a failure is recorded.
    pub(crate) fn keeps_reason(&self) -> bool {
        self.is_recorded || self.shared.as_ref().is_some_and(|it| it.log_entry().is_some())
    }

    #[inline(always)]
    fn end_recorded_span(&mut self, elapsed: Duration, error_type: Option<Cow<'static, str>>) {
        let end_time = self.timer.end_time(elapsed);
        let reason = self.reason.take();
        let span = self.context.span();
        self.record(&span, error_type, reason.map(|reason| (*reason, end_time)));
        span.end_with_timestamp(end_time);
    }

    /// Ends a span whose trace waits for a decision. The end of a local root decides, so the metric is recorded after
    /// it: its exemplar refers only to a trace that is kept.
    #[cold]
    fn end_held_span(
        &mut self,
        outcome: Outcome,
        elapsed: Duration,
        error_type: Option<&Cow<'static, str>>,
    ) {
        if let Some(entry) = self.shared.as_ref().and_then(SharedState::log_entry) {
            self.write_log(entry, outcome, elapsed, error_type.map(|it| &**it));
        }
        self.end_recorded_span(elapsed, error_type.cloned());
        let Some(shared) = &self.shared else { return };
        let is_kept = self.held.as_ref().and_then(|held| held.decision()) == Some(true);
        let span = self.context.span();
        let span = span.span_context();
        let flags = span.trace_flags().with_sampled(is_kept);
        let (trace_id, span_id) = (span.trace_id(), span.span_id());
        let decided = SpanContext::new(trace_id, span_id, flags, false, TraceState::NONE);
        shared.record(&decided, &self.timer, elapsed, self.status, error_type);
    }

    /// Records a call that has no response: it keeps its method, and its status is that of the reason.
    #[cold]
    fn end_call_without_response(&mut self, outcome: Outcome, elapsed: Duration) {
        if let Some(shared) = self.recorded_server_call() {
            shared.record_rpc_method(&self.context.span(), true);
        }
        let Some(shared) = self.shared.as_ref().filter(|shared| shared.is_grpc()) else { return };
        let is_late = shared.has_exceeded_deadline(elapsed);
        self.rpc_status = match (outcome, self.side) {
            (Outcome::Cancelled | Outcome::Failed(_), _) if is_late => {
                Some(RpcStatus::DEADLINE_EXCEEDED)
            }
            (Outcome::Cancelled, Side::Server) => Some(RpcStatus::CANCELLED),
            (Outcome::Panicked, Side::Server) => Some(RpcStatus::UNKNOWN),
            _ => None,
        };
    }

    #[inline]
    fn record(
        &self,
        span: &SpanRef<'_>,
        error_type: Option<Cow<'static, str>>,
        reason: Option<(FailureReason, SystemTime)>,
    ) {
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
            match reason {
                Some((reason, at)) => reason.record(span, at, &self.options().attribute_options),
                None => span.set_status(Status::error("")),
            }
        }
    }

    pub(crate) fn record_sizes(
        &self,
        span: &SpanRef<'_>,
        (request, response): (Option<u64>, Option<u64>),
    ) {
        let set = |key, bytes: Option<u64>| {
            let Some(bytes) = bytes else { return };
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            span.set_attribute(KeyValue::new(key, bytes));
        };
        set(names::HTTP_REQUEST_BODY_SIZE, request);
        if self.status.is_some() {
            set(names::HTTP_RESPONSE_BODY_SIZE, response);
        }
    }

    #[inline]
    pub(crate) fn error_type(&self, outcome: Outcome) -> Option<Cow<'static, str>> {
        let error_type = self.conventional_error_type(outcome);
        let Some(error_type_fn) = &self.options().error_type_fn else {
            return error_type;
        };
        let summary = ExchangeSummary {
            outcome,
            status: self.status,
            rpc_status: self.rpc_status.map(RpcStatus::as_str),
            error_type: error_type.clone(),
        };
        contain("the option error_type", || error_type_fn(summary)).unwrap_or(error_type)
    }

    /// Returns `error.type` by the semantic conventions, "Recording errors".
    pub(crate) fn conventional_error_type(&self, outcome: Outcome) -> Option<Cow<'static, str>> {
        let failure = self.failure(outcome).filter(|error| !self.is_late_call(*error));
        if let Some(error_type) = failure {
            return Some(error_type.as_str().into());
        }
        if let Some(status) = self.status.filter(|status| self.is_error(*status)) {
            return Some(status_text(status));
        }
        let status = self.rpc_status.filter(|it| it.is_error(self.side == Side::Server))?;
        Some(status.as_str().into())
    }

    /// Whether the client's request failed only because the call exceeded its deadline.
    fn is_late_call(&self, error: ErrorType) -> bool {
        let is_late = self.rpc_status == Some(RpcStatus::DEADLINE_EXCEEDED);
        is_late && self.status.is_none() && matches!(error, ErrorType::Request | ErrorType::Timeout)
    }

    /// Whether the status is an error. Semantic conventions, HTTP spans, "Status": a 4xx is the caller's mistake, not
    /// the server's.
    pub(crate) const fn is_error(&self, status: u16) -> bool {
        match self.side {
            Side::Server => status >= 500,
            Side::Client => status >= 400,
        }
    }

    /// Returns the failure, or `None` if only the status code decides.
    pub(crate) fn failure(&self, outcome: Outcome) -> Option<ErrorType> {
        match (outcome, self.side) {
            (Outcome::Complete | Outcome::Upgraded, _) => None,
            (Outcome::Cancelled, Side::Client) => {
                let is_error = self.status.is_none() && self.options().dropped_calls_are_errors;
                is_error.then_some(ErrorType::CancelledBeforeHead)
            }
            (Outcome::Failed(error), _) => Some(error),
            (Outcome::Panicked, _) => Some(ErrorType::Panic),
            (Outcome::Cancelled, Side::Server) if self.status.is_none() => {
                Some(ErrorType::CancelledBeforeHead)
            }
            (Outcome::Cancelled, Side::Server) => Some(ErrorType::CancelledMidBody),
        }
    }
}
