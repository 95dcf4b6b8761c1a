use std::time::{Duration, SystemTime};

use opentelemetry::{
    KeyValue, SpanId, TraceId, Value,
    trace::{Event, Link, SpanKind, Status},
};
use opentelemetry_sdk::trace::SpanData;

use crate::semconv::names::{ERROR_TYPE, HTTP_RESPONSE_STATUS_CODE};

/// Data of a span that a [`Waterfall`](crate::telemetry::Waterfall) shows.
#[derive(Clone, Debug, PartialEq)]
pub struct WaterfallSpan {
    /// Id of the trace.
    pub trace_id: TraceId,
    /// Id of the span.
    pub span_id: SpanId,
    /// Id of the parent span, `None` for the root of the trace.
    pub parent_span_id: Option<SpanId>,
    /// Whether the parent is in another process.
    pub remote_parent: bool,
    /// Name of the service that created the span.
    pub service: String,
    /// Name of the span.
    pub name: String,
    /// Kind of the span.
    pub kind: SpanKind,
    /// Start of the span.
    pub start: SystemTime,
    /// Duration of the span.
    pub duration: Duration,
    /// Status code of the HTTP response, if there was one.
    pub status_code: Option<u16>,
    /// Error of a failed span: `error.type`, or else the description of the status.
    pub error: Option<String>,
    /// Other data of the span. `None` if it is not shown.
    pub details: Option<Box<WaterfallDetails>>,
}

/// Data of a span that a [`Waterfall`](crate::telemetry::Waterfall) shows with
/// [`Style::attributes`](crate::telemetry::Style::attributes).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaterfallDetails {
    /// Description of the status.
    pub description: String,
    /// Attributes of the span.
    pub attributes: Vec<KeyValue>,
    /// Events of the span.
    pub events: Vec<Event>,
    /// Links of the span.
    pub links: Vec<Link>,
}

impl WaterfallSpan {
    /// Converts a span of the SDK from the service of this name, without details.
    pub fn from_span_data(service: &str, span: SpanData) -> Self {
        let duration = span.end_time.duration_since(span.start_time);
        let parent = (span.parent_span_id != SpanId::INVALID).then_some(span.parent_span_id);
        Self {
            trace_id: span.span_context.trace_id(),
            span_id: span.span_context.span_id(),
            parent_span_id: parent,
            remote_parent: span.parent_span_is_remote,
            service: service.to_owned(),
            status_code: None,
            error: None,
            name: span.name.into_owned(),
            kind: span.span_kind,
            start: span.start_time,
            duration: duration.unwrap_or_default(),
            details: None,
        }
        .with_outcome(&span.attributes, &span.status)
    }

    /// Converts a span of the SDK from the service of this name, with all details.
    pub fn detailed(service: &str, mut span: SpanData) -> Self {
        let details = WaterfallDetails {
            description: description(&span.status).unwrap_or_default().to_owned(),
            attributes: span.attributes.clone(),
            events: std::mem::take(&mut span.events.events),
            links: std::mem::take(&mut span.links.links),
        };
        Self { details: Some(Box::new(details)), ..Self::from_span_data(service, span) }
    }

    /// Sets status code and error from the other data of the span.
    #[must_use]
    pub fn with_outcome(mut self, attributes: &[KeyValue], status: &Status) -> Self {
        self.status_code = status_code(attributes);
        self.error = error(attributes, status);
        self
    }
}

fn status_code(attributes: &[KeyValue]) -> Option<u16> {
    match find(attributes, HTTP_RESPONSE_STATUS_CODE)? {
        Value::I64(code) => u16::try_from(*code).ok(),
        _ => None,
    }
}

fn error(attributes: &[KeyValue], status: &Status) -> Option<String> {
    let error_type = find(attributes, ERROR_TYPE).map(|value| value.as_str().into_owned());
    error_type.or_else(|| description(status).map(str::to_owned))
}

fn description(status: &Status) -> Option<&str> {
    match status {
        Status::Error { description } => Some(description),
        _ => None,
    }
}

fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let found = attributes.iter().find(|entry| entry.key.as_str() == key);
    found.map(|entry| &entry.value)
}
