use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::Duration,
};

use opentelemetry::{
    Context, KeyValue, StringValue,
    trace::{SpanContext, SpanRef, TraceContextExt},
};

use crate::exchange::{builder::options::Options, request_log::entry::LogEntry};
use crate::{
    base::sync::{AtomicBool, AtomicU64, Ordering},
    http::{ProtocolVersion, method::Method, route::RouteName},
    metrics::request::{Measurement, RequestMetrics},
    semconv::{
        labels::EndLabels,
        names,
        options::AttributeOptions,
        rpc::{self, GrpcCall},
        server::NameState,
    },
    trace::timer::Timer,
};

/// State known only after the start of an exchange (route, gRPC method, body sizes, labels). It is allocated only if
/// the exchange is recorded or measured. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedState(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    has_route: AtomicBool,
    is_named: AtomicBool,
    /// Whether the name contains a route that may not be the one that answers.
    has_expected_name: AtomicBool,
    /// Path and time limit of a request that claims to be a gRPC call.
    grpc: OnceLock<(Box<str>, Option<Duration>)>,
    /// Number of counted bytes plus one; 0 if they are not counted.
    request_size: AtomicU64,
    response_size: AtomicU64,
    /// Whether the bytes of the response that pass differ from those that were transferred.
    hides_response_size: AtomicBool,
    measured: Option<RequestMetrics>,
    /// Values for the request log, if the request has a line.
    log_entry: Option<Box<LogEntry>>,
    route_label: OnceLock<&'static str>,
}

impl SharedState {
    /// Creates the state, or returns `None` if no later change needs it.
    #[inline]
    pub(crate) fn if_needed(
        name_state: NameState,
        grpc: Option<GrpcCall<'_>>,
        options: &Options,
    ) -> Option<Self> {
        if name_state.has_route && grpc.is_none() && !options.has_body_sizes {
            return None;
        }
        Some(Self::default().started(name_state, grpc, None))
    }

    /// Creates the state of an exchange that is about to start.
    pub(crate) fn measured(measured: RequestMetrics) -> Self {
        Self(Arc::new(Inner { measured: Some(measured), ..Inner::default() }))
    }

    /// Creates the state of an exchange with a request log, which may be measured as well.
    pub(crate) fn logged(entry: LogEntry, measured: Option<RequestMetrics>) -> Self {
        Self(Arc::new(Inner { measured, log_entry: Some(Box::new(entry)), ..Inner::default() }))
    }

    /// Returns the values for the request log, if the request has a line.
    pub(crate) fn log_entry(&self) -> Option<&LogEntry> {
        self.0.log_entry.as_deref()
    }

    /// Returns the route, if it is one of the interned ones.
    pub(crate) fn route_label(&self) -> Option<&'static str> {
        self.0.route_label.get().copied()
    }

    /// Sets the values that are known when the exchange has started.
    pub(crate) fn started(
        self,
        name_state: NameState,
        grpc: Option<GrpcCall<'_>>,
        route: Option<&'static str>,
    ) -> Self {
        let has_route = name_state.has_route || route.is_some();
        self.0.has_route.store(has_route, Ordering::Relaxed);
        self.0.is_named.store(name_state.is_custom, Ordering::Relaxed);
        self.0.has_expected_name.store(name_state.is_expected, Ordering::Relaxed);
        if let Some(call) = grpc {
            self.0.grpc.get_or_init(|| (call.path.into(), call.timeout));
        }
        self.label_route(route);
        self
    }

    fn label_route(&self, route: Option<&'static str>) {
        if let Some(route) = route {
            self.0.route_label.get_or_init(|| route);
        }
    }

    pub(crate) fn has_route(&self) -> bool {
        self.0.has_route.load(Ordering::Relaxed)
    }

    /// Sets `route` on the span in `context`, if it is the first.
    pub(crate) fn set_route(
        &self,
        context: &Context,
        attribute_options: &AttributeOptions,
        method: &str,
        route: &str,
    ) {
        if self.0.has_route.swap(true, Ordering::Relaxed) {
            return;
        }
        let named = RouteName::of(Method::of(method).as_span_name(), route);
        self.label_route(named.label());
        let span = context.span();
        let route = StringValue::from(named.route);
        span.set_attribute(attribute_options.attribute(names::HTTP_ROUTE, route));
        self.name(&span, named.name);
    }

    /// Records that no route has answered: a name with an expected route is replaced by that of the method.
    pub(crate) fn set_unrouted(&self, context: &Context, method: &str) {
        if self.0.has_expected_name.load(Ordering::Relaxed) {
            self.name(&context.span(), Method::of(method).as_span_name().into());
        }
    }

    fn name(&self, span: &SpanRef<'_>, name: Cow<'static, str>) {
        if !self.0.is_named.load(Ordering::Relaxed) {
            span.update_name(name);
        }
    }

    /// Records the method of a gRPC call. `is_known` is false if the response shows that the server has no such method:
    /// then the caller made the path up, and no name is derived from it.
    pub(crate) fn record_rpc_method(&self, span: &SpanRef<'_>, is_known: bool) {
        let Some((path, _)) = self.0.grpc.get() else { return };
        let method = rpc::method(path).filter(|_| is_known).map(str::to_owned);
        let Some(method) = method else {
            span.set_attribute(KeyValue::new(names::RPC_METHOD, "_OTHER"));
            span.set_attribute(KeyValue::new(names::RPC_METHOD_ORIGINAL, path.to_string()));
            return self.name(span, "grpc".into());
        };
        span.set_attribute(KeyValue::new(names::RPC_METHOD, method.clone()));
        self.name(span, method.into());
    }

    /// Whether the request claims to be a gRPC call.
    pub(crate) fn is_grpc(&self) -> bool {
        self.0.grpc.get().is_some()
    }

    /// Whether a gRPC call of this duration has reached its time limit. The timers of both sides start at different
    /// times, so 90 % of the limit is enough.
    pub(crate) fn has_exceeded_deadline(&self, elapsed: Duration) -> bool {
        let timeout = self.0.grpc.get().and_then(|(_, timeout)| *timeout);
        timeout.is_some_and(|timeout| elapsed >= timeout - timeout / 10)
    }

    /// Sets the version of HTTP, which a client reads from the response.
    pub(crate) fn set_version(&self, version: ProtocolVersion) {
        if let Some(measured) = &self.0.measured {
            measured.set_version(version);
        }
    }

    /// Adds a custom label to the metric.
    pub(crate) fn set_label(&self, label: KeyValue) {
        if let Some(measured) = &self.0.measured {
            measured.set_label(label);
        }
    }

    pub(crate) fn add_to_request(&self, bytes: u64) {
        let add = |size: u64| Some(size.max(1).saturating_add(bytes));
        let _ = self.0.request_size.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    pub(crate) fn hide_response_size(&self) {
        self.0.hides_response_size.store(true, Ordering::Relaxed);
    }

    pub(crate) fn add_to_response(&self, bytes: u64) {
        self.0.response_size.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns the number of bytes of both bodies that have passed so far, if they are counted.
    pub(crate) fn body_sizes(&self) -> (Option<u64>, Option<u64>) {
        let Inner { request_size, response_size, hides_response_size, .. } = &*self.0;
        let is_hidden = hides_response_size.load(Ordering::Relaxed);
        let response_size = (!is_hidden).then(|| response_size.load(Ordering::Relaxed));
        (request_size.load(Ordering::Relaxed).checked_sub(1), response_size)
    }

    /// Records the end of the exchange whose span is `span`, `duration` after `clock` was started.
    #[inline(never)]
    pub(crate) fn record(
        &self,
        span: &SpanContext,
        clock: &Timer,
        duration: Duration,
        status: Option<u16>,
        error_type: Option<&Cow<'static, str>>,
    ) {
        let Some(measured) = &self.0.measured else { return };
        let (request_size, response_size) = self.body_sizes();
        let response_size = response_size.filter(|_| status.is_some());
        let route = self.route_label();
        measured.record(
            Measurement { duration, request_size, response_size },
            EndLabels { status, error_type, route, ..EndLabels::default() },
            span,
            || clock.end_time(duration),
        );
    }
}
