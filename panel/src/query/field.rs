//! Fields of a search.

use std::borrow::Cow;

use crate::model::{LogRecord, Span};

/// Names of the fields that are not attributes, with their meaning.
pub const FIELDS: [(&str, &str); 11] = [
    ("service", "name of the service"),
    ("operation", "method and route of a request, else the name of the span"),
    ("name", "name of the span or of the log event"),
    ("route", "route of a request (http.route)"),
    ("kind", "internal, server, client, producer or consumer"),
    ("status", "status code of the response"),
    ("dur", "duration of the span, with a unit: 200ms, 1.5s"),
    ("error", "true or false"),
    ("trace", "identifier of the trace"),
    ("span", "identifier of the span"),
    ("severity", "trace, debug, info, warn, error or fatal"),
];

/// Field of a span or of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Service,
    Operation,
    Name,
    Route,
    Kind,
    Status,
    Duration,
    Error,
    Trace,
    Span,
    Severity,
    Attribute(String),
}

/// Returns the value of a field or attribute of a span, as a search compares it.
pub fn value_of_span<'a>(field: &str, span: &'a Span) -> Option<Cow<'a, str>> {
    Field::from_name(field).of_span(span)
}

/// Returns the value of a field or attribute of a record, as a search compares it.
pub fn value_of_log<'a>(field: &str, record: &'a LogRecord) -> Option<Cow<'a, str>> {
    Field::from_name(field).of_log(record)
}

impl Field {
    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "service" => Self::Service,
            "operation" => Self::Operation,
            "name" => Self::Name,
            "route" => Self::Route,
            "kind" => Self::Kind,
            "status" => Self::Status,
            "dur" | "duration" => Self::Duration,
            "error" => Self::Error,
            "trace" => Self::Trace,
            "span" => Self::Span,
            "severity" => Self::Severity,
            key => Self::Attribute(key.to_owned()),
        }
    }

    /// Returns the name under which the signature of a trace lists values of this field.
    pub(super) fn signature_name(&self) -> Option<&str> {
        match self {
            Self::Service => Some("service"),
            Self::Operation => Some("operation"),
            Self::Name => Some("name"),
            Self::Route => Some("http.route"),
            Self::Attribute(key) => Some(key),
            _ => None,
        }
    }

    pub(super) fn of_span<'a>(&self, span: &'a Span) -> Option<Cow<'a, str>> {
        match self {
            Self::Service => Some(Cow::Borrowed(span.service())),
            Self::Operation => Some(span.operation()),
            Self::Name => Some(Cow::Borrowed(&span.name)),
            Self::Route => span.route(),
            Self::Kind => Some(Cow::Borrowed(span.kind.as_str())),
            Self::Status => span.status_code().map(|code| Cow::Owned(code.to_string())),
            Self::Error => Some(Cow::Borrowed(if span.is_error() { "true" } else { "false" })),
            Self::Trace => Some(Cow::Owned(span.trace_id.to_string())),
            Self::Span => Some(Cow::Owned(span.id.to_string())),
            Self::Duration | Self::Severity => None,
            Self::Attribute(key) => {
                span.attributes.text(key).or_else(|| span.resource.attributes.text(key))
            }
        }
    }

    /// Returns the number of a field, without a conversion to text.
    pub(super) fn number_of_span(&self, span: &Span) -> Option<f64> {
        match self {
            Self::Status => span.status_code().map(f64::from),
            Self::Attribute(key) => {
                let resource = &span.resource.attributes;
                span.attributes.find(key).or_else(|| resource.find(key))?.number()
            }
            _ => self.of_span(span)?.parse().ok(),
        }
    }

    pub(super) fn of_log<'a>(&self, record: &'a LogRecord) -> Option<Cow<'a, str>> {
        match self {
            Self::Service => Some(Cow::Borrowed(record.service())),
            Self::Name => Some(Cow::Borrowed(&record.event_name)),
            Self::Trace => record.trace_id.map(|id| Cow::Owned(id.to_string())),
            Self::Span => record.span_id.map(|id| Cow::Owned(id.to_string())),
            Self::Severity => Some(Cow::Borrowed(record.severity.as_str())),
            Self::Error => {
                let is_error = record.severity >= crate::model::Severity::ERROR;
                Some(Cow::Borrowed(if is_error { "true" } else { "false" }))
            }
            Self::Route => record.attributes.text("http.route"),
            Self::Status => record.attributes.text("http.response.status_code"),
            Self::Operation | Self::Kind | Self::Duration => None,
            Self::Attribute(key) => {
                record.attributes.text(key).or_else(|| record.resource.attributes.text(key))
            }
        }
    }
}
