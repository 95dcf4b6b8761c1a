use opentelemetry_sdk::Resource;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::value::{Attributes, Float, ResourceMember, is_zero};
use crate::{
    export::console::timestamp::Timestamp,
    logs::{LogRecord, LogSpan, LogValue},
};

/// Members of a log record.
#[derive(Serialize)]
pub(super) struct LogLine<'a> {
    time: Timestamp,
    severity: &'static str,
    severity_number: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_name: Option<&'a str>,
    body: Option<&'a str>,
    #[serde(flatten)]
    span: Option<SpanMembers>,
    attributes: LogAttributes<'a>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_attributes_count: u32,
    resource: ResourceMember<'a>,
    scope: ScopeName<'a>,
}

#[derive(Serialize)]
struct SpanMembers {
    trace_id: String,
    span_id: String,
    trace_flags: String,
}

#[derive(Serialize)]
struct ScopeName<'a> {
    name: &'a str,
}

impl<'a> LogLine<'a> {
    pub(super) fn new(record: &'a LogRecord, resource: &'a Resource) -> Self {
        Self {
            time: Timestamp(record.time),
            severity: record.severity.text(),
            severity_number: record.severity.number(),
            event_name: record.event_name(),
            body: record.body(),
            span: record.span.as_ref().map(SpanMembers::from),
            attributes: LogAttributes(record),
            dropped_attributes_count: record.dropped,
            resource: ResourceMember { attributes: Attributes(resource.iter().collect()) },
            scope: ScopeName { name: &record.target },
        }
    }
}

impl From<&LogSpan> for SpanMembers {
    fn from(span: &LogSpan) -> Self {
        Self {
            trace_id: span.trace_id.to_string(),
            span_id: span.span_id.to_string(),
            trace_flags: format!("{:02x}", span.flags),
        }
    }
}

struct LogAttributes<'a>(&'a LogRecord);

impl Serialize for LogAttributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.0.attributes() {
            match value {
                LogValue::Int(value) => map.serialize_entry(key, &value)?,
                LogValue::Float(value) => map.serialize_entry(key, &Float(value))?,
                LogValue::Bool(value) => map.serialize_entry(key, &value)?,
                LogValue::Text(value) => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}
