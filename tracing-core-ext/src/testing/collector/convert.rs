//! Spans and log records of OTLP as those of a test.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{
        AnyValue, InstrumentationScope as ProtoScope, KeyValue as ProtoKeyValue,
        any_value::Value as ProtoValue,
    },
    logs::v1::LogRecord as ProtoLogRecord,
    resource::v1::Resource,
    trace::v1::{Span, span, status::StatusCode},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::{
    logs::{LogLimits, LogRecord, LogSeverity, LogSpan},
    testing::recorded::store::StoredSpan,
};

/// Bits of the flags of a span and of a link: OTLP, `SpanFlags`.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Returns the spans of a request, or the reason why it is not valid.
pub(super) fn spans(request: ExportTraceServiceRequest) -> Result<Vec<StoredSpan>, String> {
    let mut spans = Vec::new();
    for resource in request.resource_spans {
        let service = service_name(resource.resource.as_ref());
        for of_scope in resource.scope_spans {
            let scope = scope(of_scope.scope);
            for span in of_scope.spans {
                let data = Arc::new(span_data(span, scope.clone())?);
                spans.push(StoredSpan { service: Arc::clone(&service), data });
            }
        }
    }
    Ok(spans)
}

/// Returns the log records of a request, or the reason why it is not valid.
pub(super) fn log_records(request: ExportLogsServiceRequest) -> Result<Vec<LogRecord>, String> {
    let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
    let records = scopes.flat_map(|of_scope| {
        let target = of_scope.scope.map(|scope| scope.name).unwrap_or_default();
        of_scope.log_records.into_iter().map(move |record| log_record(record, &target))
    });
    records.collect()
}

fn service_name(resource: Option<&Resource>) -> Arc<str> {
    let attributes = resource.into_iter().flat_map(|resource| &resource.attributes);
    let mut names = attributes.filter(|it| it.key == "service.name");
    let name = names.next().and_then(|it| value(it.value.clone()));
    name.map_or_else(|| Arc::from("unknown"), |name| Arc::from(&*name.as_str()))
}

fn scope(scope: Option<ProtoScope>) -> InstrumentationScope {
    let Some(ProtoScope { name, version, .. }) = scope else {
        return InstrumentationScope::default();
    };
    InstrumentationScope::builder(name).with_version(version).build()
}

fn span_data(span: Span, scope: InstrumentationScope) -> Result<SpanData, String> {
    let state: TraceState = span.trace_state.parse().unwrap_or_default();
    let (trace_id, span_id) = (trace_id(&span.trace_id)?, span_id(&span.span_id)?);
    let parent = match span.parent_span_id.is_empty() {
        true => SpanId::INVALID,
        false => self::span_id(&span.parent_span_id)?,
    };
    let kind = span_kind(span.kind());
    let mut events = SpanEvents::default();
    events.dropped_count = span.dropped_events_count;
    events.events = span.events.into_iter().map(event).collect();
    let mut links = SpanLinks::default();
    links.dropped_count = span.dropped_links_count;
    links.links = span.links.into_iter().map(link).collect::<Result<_, _>>()?;
    Ok(SpanData {
        span_context: SpanContext::new(trace_id, span_id, flags(span.flags), false, state),
        parent_span_id: parent,
        parent_span_is_remote: span.flags & HAS_IS_REMOTE != 0 && span.flags & IS_REMOTE != 0,
        span_kind: kind,
        name: span.name.into(),
        start_time: time(span.start_time_unix_nano),
        end_time: time(span.end_time_unix_nano),
        attributes: attributes(span.attributes),
        dropped_attributes_count: span.dropped_attributes_count,
        events,
        links,
        status: span.status.map_or(Status::Unset, |status| match status.code() {
            StatusCode::Unset => Status::Unset,
            StatusCode::Ok => Status::Ok,
            StatusCode::Error => Status::error(status.message),
        }),
        instrumentation_scope: scope,
    })
}

fn event(event: span::Event) -> Event {
    let attributes = attributes(event.attributes);
    let dropped = event.dropped_attributes_count;
    Event::new(event.name, time(event.time_unix_nano), attributes, dropped)
}

fn link(link: span::Link) -> Result<Link, String> {
    let state = link.trace_state.parse().unwrap_or_default();
    let is_remote = link.flags & IS_REMOTE != 0;
    let (trace_id, span_id) = (trace_id(&link.trace_id)?, span_id(&link.span_id)?);
    let context = SpanContext::new(trace_id, span_id, flags(link.flags), is_remote, state);
    Ok(Link::new(context, attributes(link.attributes), link.dropped_attributes_count))
}

const fn span_kind(kind: span::SpanKind) -> SpanKind {
    match kind {
        span::SpanKind::Server => SpanKind::Server,
        span::SpanKind::Client => SpanKind::Client,
        span::SpanKind::Producer => SpanKind::Producer,
        span::SpanKind::Consumer => SpanKind::Consumer,
        span::SpanKind::Internal | span::SpanKind::Unspecified => SpanKind::Internal,
    }
}

fn log_record(record: ProtoLogRecord, target: &str) -> Result<LogRecord, String> {
    let time = time(record.time_unix_nano.max(record.observed_time_unix_nano));
    let limits = LogLimits { count: usize::MAX, value_length: None };
    let target = Cow::Owned(target.to_owned());
    let mut converted = LogRecord::new(time, severity(record.severity_number), target, limits);
    if !record.event_name.is_empty() {
        converted.event_name = Some(record.event_name.into());
    }
    if !record.span_id.is_empty() {
        let (trace_id, span_id) = (trace_id(&record.trace_id)?, span_id(&record.span_id)?);
        converted.span = Some(LogSpan { trace_id, span_id, flags: flags(record.flags) });
    }
    if let Some(body) = value(record.body) {
        converted.set_body(&body.as_str());
    }
    for attribute in attributes(record.attributes) {
        converted.set_value(attribute.key.as_str().to_owned(), &attribute.value);
    }
    Ok(converted)
}

/// OpenTelemetry logs data model, "SeverityNumber": four numbers for each level.
const fn severity(number: i32) -> LogSeverity {
    match number {
        ..=4 => LogSeverity::Trace,
        5..=8 => LogSeverity::Debug,
        9..=12 => LogSeverity::Info,
        13..=16 => LogSeverity::Warn,
        17.. => LogSeverity::Error,
    }
}

fn flags(flags: u32) -> TraceFlags {
    TraceFlags::new(flags.to_le_bytes()[0])
}

fn time(nanoseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}

fn trace_id(bytes: &[u8]) -> Result<TraceId, String> {
    let id = bytes.try_into().map(TraceId::from_bytes);
    id.map_err(|_| format!("a trace id has {} bytes, expected 16", bytes.len()))
}

fn span_id(bytes: &[u8]) -> Result<SpanId, String> {
    let id = bytes.try_into().map(SpanId::from_bytes);
    id.map_err(|_| format!("a span id has {} bytes, expected 8", bytes.len()))
}

/// Returns the attributes. One without a value has an empty string.
pub(super) fn attributes(attributes: Vec<ProtoKeyValue>) -> Vec<KeyValue> {
    let empty = || Value::String("".into());
    let converted = attributes.into_iter();
    converted.map(|it| KeyValue::new(it.key, value(it.value).unwrap_or_else(empty))).collect()
}

/// Returns a value. Values that OpenTelemetry's API does not have are text.
fn value(value: Option<AnyValue>) -> Option<Value> {
    Some(match value?.value? {
        ProtoValue::StringValue(text) => Value::String(text.into()),
        ProtoValue::BoolValue(value) => Value::Bool(value),
        ProtoValue::IntValue(number) => Value::I64(number),
        ProtoValue::DoubleValue(number) => Value::F64(number),
        ProtoValue::ArrayValue(array) => list(array.values),
        other => Value::String(format!("{other:?}").into()),
    })
}

/// Returns an array of the type of its first element. Elements of other types make all of them text.
fn list(values: Vec<AnyValue>) -> Value {
    let values: Vec<Value> = values.into_iter().filter_map(|it| value(Some(it))).collect();
    macro_rules! all {
        ($kind:ident) => {
            values
                .iter()
                .map(|value| match value {
                    Value::$kind(value) => Some(value.clone()),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
        };
    }
    let array = match values.first() {
        Some(Value::Bool(_)) => all!(Bool).map(Array::Bool),
        Some(Value::I64(_)) => all!(I64).map(Array::I64),
        Some(Value::F64(_)) => all!(F64).map(Array::F64),
        _ => None,
    };
    let texts = || values.iter().map(|value| value.as_str().into_owned().into()).collect();
    Value::Array(array.unwrap_or_else(|| Array::String(texts())))
}
