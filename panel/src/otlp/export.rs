//! Conversion of traces into OTLP JSON.

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value as Proto},
    resource::v1::Resource as ProtoResource,
    trace::v1::{self as proto, ResourceSpans, ScopeSpans, span::SpanKind, status::StatusCode},
};

use crate::model::{Attributes, Event, Kind, Link, Span, Status, Value};

/// Returns the spans as a request in the JSON encoding of OTLP, which [`add_json`] reads.
///
/// [`add_json`]: super::add_json
pub fn trace_json(spans: &[Arc<Span>]) -> String {
    let resource_spans = spans.chunk_by(is_same_source).map(write_source).collect();
    let request = ExportTraceServiceRequest { resource_spans };
    serde_json::to_string(&request).unwrap_or_default()
}

fn is_same_source(a: &Arc<Span>, b: &Arc<Span>) -> bool {
    Arc::ptr_eq(&a.resource, &b.resource) && Arc::ptr_eq(&a.scope, &b.scope)
}

fn write_source(spans: &[Arc<Span>]) -> ResourceSpans {
    let first = &spans[0];
    let scope = InstrumentationScope {
        name: first.scope.name.to_string(),
        version: first.scope.version.to_string(),
        attributes: write_attributes(&first.scope.attributes),
        dropped_attributes_count: 0,
    };
    let scope_spans = ScopeSpans {
        scope: Some(scope),
        spans: spans.iter().map(|span| write_span(span)).collect(),
        schema_url: first.scope.schema_url.to_string(),
    };
    let attributes = write_attributes(&first.resource.attributes);
    ResourceSpans {
        resource: Some(ProtoResource { attributes, ..ProtoResource::default() }),
        scope_spans: vec![scope_spans],
        schema_url: first.resource.schema_url.to_string(),
    }
}

fn write_span(span: &Span) -> proto::Span {
    proto::Span {
        trace_id: span.trace_id.to_bytes().into(),
        span_id: span.id.to_bytes().into(),
        trace_state: span.trace_state.to_string(),
        parent_span_id: span.parent.map_or_else(Vec::new, |id| id.to_bytes().into()),
        flags: span.flags,
        name: span.name.to_string(),
        kind: kind(span.kind) as i32,
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.end,
        attributes: write_attributes(&span.attributes),
        dropped_attributes_count: span.dropped_attributes,
        events: span.events.iter().map(write_event).collect(),
        dropped_events_count: span.dropped_events,
        links: span.links.iter().map(write_link).collect(),
        dropped_links_count: span.dropped_links,
        status: Some(proto::Status {
            message: span.message.to_string(),
            code: status(span.status) as i32,
        }),
    }
}

fn write_event(event: &Event) -> proto::span::Event {
    proto::span::Event {
        time_unix_nano: event.time,
        name: event.name.to_string(),
        attributes: write_attributes(&event.attributes),
        dropped_attributes_count: event.dropped_attributes,
    }
}

fn write_link(link: &Link) -> proto::span::Link {
    proto::span::Link {
        trace_id: link.trace_id.to_bytes().into(),
        span_id: link.span_id.to_bytes().into(),
        trace_state: link.trace_state.to_string(),
        attributes: write_attributes(&link.attributes),
        dropped_attributes_count: link.dropped_attributes,
        flags: link.flags,
    }
}

fn write_attributes(attributes: &Attributes) -> Vec<KeyValue> {
    let write = |(key, value): (&Arc<str>, &Value)| KeyValue {
        key: key.to_string(),
        value: Some(AnyValue { value: Some(write_value(value)) }),
        key_strindex: 0,
    };
    attributes.iter().map(write).collect()
}

fn write_value(value: &Value) -> Proto {
    match value {
        Value::Text(text) | Value::Json(text) => Proto::StringValue(text.to_string()),
        Value::Int(number) => Proto::IntValue(*number),
        Value::Double(number) => Proto::DoubleValue(*number),
        Value::Bool(truth) => Proto::BoolValue(*truth),
    }
}

fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    }
}

fn status(status: Status) -> StatusCode {
    match status {
        Status::Unset => StatusCode::Unset,
        Status::Ok => StatusCode::Ok,
        Status::Error => StatusCode::Error,
    }
}
