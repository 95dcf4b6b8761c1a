mod escaping;
mod log_record;
#[cfg(test)]
mod tests;
mod value;

use std::{io, time::Duration};

use opentelemetry::{
    InstrumentationScope, SpanId,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use serde::{Serialize, Serializer};

use self::{
    escaping::Escaping,
    log_record::LogLine,
    value::{Attributes, ResourceMember, attributes, is_zero},
};
use super::timestamp::Timestamp;
use crate::logs::LogRecord;

/// Returns a span as one line of JSON, with the line break.
pub(super) fn line(span: &SpanData, resource: &Resource) -> io::Result<String> {
    written(&Line::new(span, resource))
}

/// Returns a log record as one line of JSON, with the line break.
pub(super) fn log_line(record: &LogRecord, resource: &Resource) -> io::Result<String> {
    written(&LogLine::new(record, resource))
}

fn written(value: &impl Serialize) -> io::Result<String> {
    let mut line = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Escaping);
    value.serialize(&mut serializer)?;
    line.push(b'\n');
    String::from_utf8(line).map_err(io::Error::other)
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    identity: Identity<'a>,
    parent_span_id: Option<String>,
    parent_is_remote: bool,
    name: &'a str,
    kind: &'static str,
    start_time: Timestamp,
    end_time: Timestamp,
    duration: f64,
    status: StatusMember<'a>,
    attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_attributes_count: u32,
    events: Vec<EventMember<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_events_count: u32,
    links: Vec<LinkMember<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_links_count: u32,
    resource: ResourceMember<'a>,
    scope: ScopeMember<'a>,
}

impl<'a> Line<'a> {
    fn new(span: &'a SpanData, resource: &'a Resource) -> Self {
        let duration: Duration = span.end_time.duration_since(span.start_time).unwrap_or_default();
        let parent = span.parent_span_id;
        Self {
            identity: Identity::new(&span.span_context),
            parent_span_id: (parent != SpanId::INVALID).then(|| parent.to_string()),
            parent_is_remote: span.parent_span_is_remote,
            name: &span.name,
            kind: kind(&span.span_kind),
            start_time: Timestamp(span.start_time),
            end_time: Timestamp(span.end_time),
            duration: duration.as_secs_f64(),
            status: StatusMember::new(&span.status),
            attributes: attributes(&span.attributes),
            dropped_attributes_count: span.dropped_attributes_count,
            events: span.events.iter().map(EventMember::new).collect(),
            dropped_events_count: span.events.dropped_count,
            links: span.links.iter().map(LinkMember::new).collect(),
            dropped_links_count: span.links.dropped_count,
            resource: ResourceMember { attributes: Attributes(resource.iter().collect()) },
            scope: ScopeMember::new(&span.instrumentation_scope),
        }
    }
}

#[derive(Serialize)]
struct Identity<'a> {
    trace_id: String,
    span_id: String,
    trace_flags: String,
    #[serde(serialize_with = "as_text")]
    trace_state: &'a TraceState,
}

impl<'a> Identity<'a> {
    fn new(context: &'a SpanContext) -> Self {
        Self {
            trace_id: context.trace_id().to_string(),
            span_id: context.span_id().to_string(),
            trace_flags: format!("{:02x}", context.trace_flags()),
            trace_state: context.trace_state(),
        }
    }
}

#[derive(Serialize)]
struct StatusMember<'a> {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

impl<'a> StatusMember<'a> {
    fn new(status: &'a Status) -> Self {
        match status {
            Status::Unset => Self { code: "UNSET", description: None },
            Status::Ok => Self { code: "OK", description: None },
            Status::Error { description } => Self { code: "ERROR", description: Some(description) },
        }
    }
}

#[derive(Serialize)]
struct EventMember<'a> {
    name: &'a str,
    time: Timestamp,
    attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_attributes_count: u32,
}

impl<'a> EventMember<'a> {
    fn new(event: &'a Event) -> Self {
        Self {
            name: &event.name,
            time: Timestamp(event.timestamp),
            attributes: attributes(&event.attributes),
            dropped_attributes_count: event.dropped_attributes_count,
        }
    }
}

#[derive(Serialize)]
struct LinkMember<'a> {
    #[serde(flatten)]
    identity: Identity<'a>,
    attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_attributes_count: u32,
}

impl<'a> LinkMember<'a> {
    fn new(link: &'a Link) -> Self {
        Self {
            identity: Identity::new(&link.span_context),
            attributes: attributes(&link.attributes),
            dropped_attributes_count: link.dropped_attributes_count,
        }
    }
}

#[derive(Serialize)]
struct ScopeMember<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes<'a>,
}

impl<'a> ScopeMember<'a> {
    fn new(scope: &'a InstrumentationScope) -> Self {
        Self {
            name: scope.name(),
            version: scope.version(),
            schema_url: scope.schema_url(),
            attributes: attributes(scope.attributes()),
        }
    }
}

/// Returns the name of a kind: OpenTelemetry specification, "SpanKind".
fn kind(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "CLIENT",
        SpanKind::Server => "SERVER",
        SpanKind::Producer => "PRODUCER",
        SpanKind::Consumer => "CONSUMER",
        SpanKind::Internal => "INTERNAL",
    }
}

fn as_text<S: Serializer>(state: &TraceState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&state.header())
}
