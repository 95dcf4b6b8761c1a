use std::borrow::Cow;

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status},
};
use opentelemetry_0_23::{
    InstrumentationLibrary, KeyValue as OldKeyValue, Value as OldValue,
    trace::{
        Event as OldEvent, Link as OldLink, SpanContext as OldContext, SpanId, SpanKind as OldKind,
        Status as OldStatus, TraceFlags, TraceId, TraceState,
    },
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use opentelemetry_sdk_0_23::{
    Resource as OldResource,
    export::trace::SpanData as OldSpan,
    trace::{SpanEvents, SpanLinks},
};

/// Converts a span to the type of the older crates. Data without a field there becomes attributes.
pub(super) fn span(span: &SpanData) -> OldSpan {
    OldSpan {
        span_context: context(&span.span_context),
        parent_span_id: SpanId::from_bytes(span.parent_span_id.to_bytes()),
        span_kind: kind(&span.span_kind),
        name: span.name.clone(),
        start_time: span.start_time,
        end_time: span.end_time,
        attributes: all_attributes(span),
        dropped_attributes_count: span.dropped_attributes_count,
        events: events(span),
        links: links(span),
        status: status(&span.status),
        // The exporter has the resource of the process.
        resource: Cow::Owned(OldResource::empty()),
        instrumentation_lib: library(&span.instrumentation_scope),
    }
}

pub(super) fn resource(resource: &Resource) -> OldResource {
    OldResource::new(resource.iter().map(|(key, value)| attribute(key.as_str(), value)))
}

/// Adds the scope and the dropped counts to the attributes: OpenTelemetry specification,
/// "OpenTelemetry to non-OTLP".
fn all_attributes(span: &SpanData) -> Vec<OldKeyValue> {
    let scope = &span.instrumentation_scope;
    let texts = [("otel.scope.name", Some(scope.name())), ("otel.scope.version", scope.version())];
    let texts = texts.into_iter().filter_map(|(key, text)| {
        let text = text.filter(|text| !text.is_empty())?;
        Some(OldKeyValue::new(key, text.to_owned()))
    });
    let counts = [
        ("otel.dropped_attributes_count", span.dropped_attributes_count),
        ("otel.dropped_events_count", span.events.dropped_count),
        ("otel.dropped_links_count", span.links.dropped_count),
    ];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let counts = counts.map(|(key, count)| OldKeyValue::new(key, i64::from(count)));
    attributes(&span.attributes).chain(texts).chain(counts).collect()
}

fn attributes(attributes: &[KeyValue]) -> impl Iterator<Item = OldKeyValue> {
    attributes.iter().map(|pair| attribute(pair.key.as_str(), &pair.value))
}

fn attribute(key: &str, value: &Value) -> OldKeyValue {
    OldKeyValue::new(key.to_owned(), old_value(value))
}

fn old_value(value: &Value) -> OldValue {
    match value {
        Value::Bool(value) => OldValue::Bool(*value),
        Value::I64(value) => OldValue::I64(*value),
        Value::F64(value) => OldValue::F64(*value),
        Value::String(value) => OldValue::String(value.as_str().to_owned().into()),
        Value::Array(array) => OldValue::String(json(array).into()),
        other => OldValue::String(other.to_string().into()),
    }
}

/// Writes an array as JSON, because the older crate does not escape quotation marks in it. "Array
/// values MUST be serialized to string like a JSON list": OpenTelemetry specification, "Jaeger
/// Exporter", "Attributes".
fn json(array: &Array) -> String {
    let list = match array {
        Array::Bool(values) => serde_json::to_string(values),
        Array::I64(values) => serde_json::to_string(values),
        Array::F64(values) => serde_json::to_string(values),
        Array::String(values) => {
            serde_json::to_string(&values.iter().map(|value| value.as_str()).collect::<Vec<_>>())
        }
        other => return other.to_string(),
    };
    list.unwrap_or_else(|_| array.to_string())
}

/// Jaeger's flags have a debug flag in the place of W3C's random flag, so only the sampled flag is sent.
fn context(context: &SpanContext) -> OldContext {
    OldContext::new(
        TraceId::from_bytes(context.trace_id().to_bytes()),
        SpanId::from_bytes(context.span_id().to_bytes()),
        // The random flag of W3C has the bit of Jaeger's debug flag.
        TraceFlags::default().with_sampled(context.is_sampled()),
        context.is_remote(),
        TraceState::NONE,
    )
}

fn kind(kind: &SpanKind) -> OldKind {
    match kind {
        SpanKind::Client => OldKind::Client,
        SpanKind::Server => OldKind::Server,
        SpanKind::Producer => OldKind::Producer,
        SpanKind::Consumer => OldKind::Consumer,
        SpanKind::Internal => OldKind::Internal,
    }
}

fn status(status: &Status) -> OldStatus {
    match status {
        Status::Unset => OldStatus::Unset,
        Status::Ok => OldStatus::Ok,
        Status::Error { description } => OldStatus::Error { description: description.clone() },
    }
}

fn library(scope: &InstrumentationScope) -> InstrumentationLibrary {
    let library = InstrumentationLibrary::builder(scope.name().to_owned());
    match scope.version() {
        Some(version) => library.with_version(version.to_owned()).build(),
        None => library.build(),
    }
}

/// Converts events to logs, and links with attributes as well. "The Link's attributes cannot be
/// represented in Jaeger explicitly. The exporter MAY additionally convert Links to span Logs":
/// OpenTelemetry specification, "Jaeger Exporter", "Links". A link without attributes is only a
/// reference.
fn events(span: &SpanData) -> SpanEvents {
    let described = span.links.iter().filter(|link| !link.attributes.is_empty());
    let described = described.map(|link| link_event(link, span));
    let mut events = SpanEvents::default();
    events.events = described.chain(span.events.iter().map(event)).collect();
    events
}

fn link_event(link: &Link, span: &SpanData) -> OldEvent {
    let ids = [
        OldKeyValue::new("trace_id", link.span_context.trace_id().to_string()),
        OldKeyValue::new("span_id", link.span_context.span_id().to_string()),
    ];
    let attributes = ids.into_iter().chain(attributes(&link.attributes)).collect();
    OldEvent::new("link", span.start_time, attributes, link.dropped_attributes_count)
}

fn event(event: &Event) -> OldEvent {
    let attributes = attributes(&event.attributes).collect();
    OldEvent::new(event.name.clone(), event.timestamp, attributes, event.dropped_attributes_count)
}

fn links(span: &SpanData) -> SpanLinks {
    let mut links = SpanLinks::default();
    links.links =
        span.links.iter().map(|link| OldLink::with_context(context(&link.span_context))).collect();
    links
}
