use std::time::{Duration, SystemTime};

use opentelemetry::{
    KeyValue, SpanId, TraceId, Value,
    trace::{Event, Link, SpanKind, Status},
};
use opentelemetry_sdk::trace::SpanData;

use crate::semconv::names::{ERROR_TYPE, HTTP_RESPONSE_STATUS_CODE};

/// What a [`Waterfall`](crate::telemetry::Waterfall) shows of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct WaterfallSpan {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The id of its parent; none for the root of the trace.
    pub parent_span_id: Option<SpanId>,
    /// Whether the parent is in another process.
    pub remote_parent: bool,
    /// The name of the service that made it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// When it started.
    pub start: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// The status code of the HTTP response, if there was one.
    pub status_code: Option<u16>,
    /// Why it failed, if it did: `error.type`, or else the description of its status.
    pub error: Option<String>,
    /// What else is known of it; nothing unless it is to be shown.
    pub details: Option<Box<WaterfallDetails>>,
}

/// What a [`Waterfall`](crate::telemetry::Waterfall) shows of a span with [`Style::attributes`](crate::telemetry::Style::attributes).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaterfallDetails {
    /// The description of its status.
    pub description: String,
    /// Its attributes.
    pub attributes: Vec<KeyValue>,
    /// What happened while it ran.
    pub events: Vec<Event>,
    /// Other spans it has to do with.
    pub links: Vec<Link>,
}

impl WaterfallSpan {
    /// What the SDK has recorded in the service of this name, without details.
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

    /// What the SDK has recorded in the service of this name, with all details.
    pub fn detailed(service: &str, mut span: SpanData) -> Self {
        let details = WaterfallDetails {
            description: description(&span.status).unwrap_or_default().to_owned(),
            attributes: span.attributes.clone(),
            events: std::mem::take(&mut span.events.events),
            links: std::mem::take(&mut span.links.links),
        };
        Self { details: Some(Box::new(details)), ..Self::from_span_data(service, span) }
    }

    /// Takes status code and error from what else is known of the span.
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
