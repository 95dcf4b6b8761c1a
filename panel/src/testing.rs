//! Test data.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::model::{
    Attributes, Kind, LogRecord, Resource, Scope, Severity, Span, SpanId, Status, TraceId, Value,
};

/// Returns the trace identifier with this number.
pub(crate) fn trace_id(number: u128) -> TraceId {
    TraceId::from_slice(&number.to_be_bytes()).unwrap()
}

/// Returns the span identifier with this number.
pub(crate) fn span_id(number: u64) -> SpanId {
    SpanId::from_slice(&number.to_be_bytes()).unwrap()
}

/// Returns a root span with a new identifier and a duration of one millisecond.
pub(crate) fn span(service: &str, name: &str) -> Span {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let start = 1_700_000_000_000_000_000 + number * 1_000_000;
    Span {
        trace_id: trace_id(number.into()),
        id: span_id(number),
        parent: None,
        trace_state: "".into(),
        flags: 0,
        resource: resource(service),
        scope: Arc::default(),
        name: name.into(),
        kind: Kind::Internal,
        start,
        end: start + 1_000_000,
        attributes: Attributes::default(),
        dropped_attributes: 0,
        events: Box::default(),
        dropped_events: 0,
        links: Box::default(),
        dropped_links: 0,
        status: Status::Unset,
        message: "".into(),
    }
}

/// Returns a child span with the times of its parent.
pub(crate) fn child(parent: &Span, service: &str, name: &str) -> Span {
    let mut child = span(service, name);
    child.trace_id = parent.trace_id;
    child.parent = Some(parent.id);
    (child.start, child.end) = (parent.start, parent.end);
    child
}

/// Returns a log record of the severity INFO without a trace.
pub(crate) fn log_record(service: &str, body: &str) -> LogRecord {
    LogRecord {
        time: 1_700_000_000_000_000_000,
        observed: 0,
        resource: resource(service),
        scope: Arc::<Scope>::default(),
        severity: Severity::from_number(9),
        severity_text: "INFO".into(),
        event_name: "".into(),
        body: body.into(),
        attributes: Attributes::default(),
        dropped_attributes: 0,
        trace_id: None,
        span_id: None,
        flags: 0,
    }
}

/// Returns a resource that has only a name.
pub(crate) fn resource(service: &str) -> Arc<Resource> {
    let name = (Arc::from("service.name"), Value::Text(service.into()));
    let attributes = [name].into_iter().collect();
    Arc::new(Resource { service: service.into(), attributes, schema_url: "".into() })
}
