//! Conversion of traces of the query API into OTLP. It is the inverse of the mapping in the
//! specification, "OpenTelemetry to Jaeger Transformation".

use std::collections::HashMap;

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value as Proto},
    resource::v1::Resource,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status,
        span::{Event, Link, SpanKind},
        status::StatusCode,
    },
};
use serde::Deserialize;
use serde_json::Value;

/// Trace in a response of the query API.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JaegerTrace {
    #[serde(default)]
    spans: Vec<JaegerSpan>,
    #[serde(default)]
    processes: HashMap<String, Process>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JaegerSpan {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    #[serde(rename = "processID", default)]
    process_id: String,
    operation_name: String,
    #[serde(default)]
    flags: u32,
    #[serde(default)]
    references: Vec<Reference>,
    /// Microseconds.
    start_time: u64,
    /// Microseconds.
    duration: u64,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    logs: Vec<Log>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: Value,
}

#[derive(Debug, Deserialize)]
struct Log {
    /// Microseconds.
    timestamp: u64,
    #[serde(default)]
    fields: Vec<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl JaegerTrace {
    pub(super) fn into_request(self) -> ExportTraceServiceRequest {
        let Self { spans, processes } = self;
        let mut by_process: HashMap<String, Vec<ScopeSpans>> = HashMap::new();
        for span in spans {
            let process = span.process_id.clone();
            by_process.entry(process).or_default().push(span.into_scope_spans());
        }
        let of_process = |(process, scope_spans): (String, Vec<ScopeSpans>)| {
            let resource = processes.get(&process).map(Process::resource);
            ResourceSpans { resource, scope_spans, schema_url: String::new() }
        };
        ExportTraceServiceRequest {
            resource_spans: by_process.into_iter().map(of_process).collect(),
        }
    }
}

impl Process {
    fn resource(&self) -> Resource {
        let mut attributes = vec![attribute("service.name", &Value::from(&*self.service_name))];
        attributes.extend(self.tags.iter().map(|tag| attribute(&tag.key, &tag.value)));
        Resource { attributes, ..Resource::default() }
    }
}

impl JaegerSpan {
    fn into_scope_spans(mut self) -> ScopeSpans {
        let mut take = |names: &[&str]| {
            let index = self.tags.iter().position(|tag| names.contains(&&*tag.key))?;
            Some(self.tags.remove(index).value)
        };
        let kind = take(&["span.kind"]);
        let name = take(&["otel.scope.name", "otel.library.name"]);
        let version = take(&["otel.scope.version", "otel.library.version"]);
        let code = take(&["otel.status_code"]);
        let message = take(&["otel.status_description"]);
        let trace_state = take(&["w3c.tracestate"]);
        let is_error = take(&["error"]).is_some_and(|error| error != Value::Bool(false));
        let scope = InstrumentationScope {
            name: text(name),
            version: text(version),
            ..InstrumentationScope::default()
        };
        let (parent, links) = self.parent_and_links();
        let start = self.start_time.saturating_mul(1_000);
        let span = Span {
            trace_id: bytes(&self.trace_id, 16),
            span_id: bytes(&self.span_id, 8),
            parent_span_id: parent,
            trace_state: text(trace_state),
            flags: self.flags,
            name: self.operation_name,
            kind: span_kind(&text(kind)) as i32,
            start_time_unix_nano: start,
            end_time_unix_nano: start.saturating_add(self.duration.saturating_mul(1_000)),
            attributes: attributes(&self.tags),
            events: self.logs.into_iter().map(Log::into_event).collect(),
            links,
            status: Some(Status {
                message: text(message),
                code: status(&text(code), is_error) as i32,
            }),
            ..Span::default()
        };
        ScopeSpans { scope: Some(scope), spans: vec![span], schema_url: String::new() }
    }

    /// Returns the parent and the links. The parent is the first reference of the kind `CHILD_OF`
    /// into this trace.
    fn parent_and_links(&self) -> (Vec<u8>, Vec<Link>) {
        let is_parent = |reference: &&Reference| {
            reference.ref_type == "CHILD_OF" && reference.trace_id == self.trace_id
        };
        let parent = self.references.iter().find(is_parent);
        let is_other =
            |reference: &&Reference| !parent.is_some_and(|it| std::ptr::eq(it, *reference));
        let link = |reference: &Reference| Link {
            trace_id: bytes(&reference.trace_id, 16),
            span_id: bytes(&reference.span_id, 8),
            ..Link::default()
        };
        let links = self.references.iter().filter(is_other).map(link).collect();
        (parent.map(|parent| bytes(&parent.span_id, 8)).unwrap_or_default(), links)
    }
}

impl Log {
    fn into_event(self) -> Event {
        let name = self.fields.iter().find(|field| field.key == "event");
        let name = name.map(|field| text(Some(field.value.clone()))).unwrap_or_default();
        let others: Vec<Tag> =
            self.fields.into_iter().filter(|field| field.key != "event").collect();
        Event {
            time_unix_nano: self.timestamp.saturating_mul(1_000),
            name,
            attributes: attributes(&others),
            dropped_attributes_count: 0,
        }
    }
}

fn attributes(tags: &[Tag]) -> Vec<KeyValue> {
    tags.iter().map(|tag| attribute(&tag.key, &tag.value)).collect()
}

fn attribute(key: &str, value: &Value) -> KeyValue {
    let value = match value {
        Value::Bool(truth) => Proto::BoolValue(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Proto::IntValue(whole),
            None => Proto::DoubleValue(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Proto::StringValue(text.clone()),
        other => Proto::StringValue(other.to_string()),
    };
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn span_kind(kind: &str) -> SpanKind {
    match kind {
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

fn status(code: &str, is_error: bool) -> StatusCode {
    match code {
        "OK" => StatusCode::Ok,
        "ERROR" => StatusCode::Error,
        _ if is_error => StatusCode::Error,
        _ => StatusCode::Unset,
    }
}

/// Parses a hexadecimal identifier, which may lack leading zeros. The result for an invalid one is
/// empty.
fn bytes(hex: &str, length: usize) -> Vec<u8> {
    let number = u128::from_str_radix(hex, 16).ok().filter(|_| hex.len() <= 2 * length);
    number.map_or_else(Vec::new, |number| number.to_be_bytes()[16 - length..].to_vec())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_span_has_kind_status_parent_events_and_resource() {
        let trace: JaegerTrace = serde_json::from_value(json!({
            "traceID": "af7651916cd43dd8448eb211c80319c",
            "spans": [{
                "traceID": "af7651916cd43dd8448eb211c80319c", "spanID": "b7ad6b7169203331",
                "operationName": "GET /a", "processID": "p1", "startTime": 5, "duration": 7,
                "references": [
                    { "refType": "FOLLOWS_FROM", "traceID": "1", "spanID": "2" },
                    { "refType": "CHILD_OF", "traceID": "af7651916cd43dd8448eb211c80319c", "spanID": "3" },
                ],
                "tags": [
                    { "key": "span.kind", "type": "string", "value": "server" },
                    { "key": "error", "type": "bool", "value": true },
                    { "key": "http.response.status_code", "type": "int64", "value": 503 },
                    { "key": "otel.scope.name", "type": "string", "value": "tracing-axum-layer" },
                ],
                "logs": [{ "timestamp": 6, "fields": [{ "key": "event", "value": "exception" }] }],
            }],
            "processes": { "p1": { "serviceName": "gateway", "tags": [] } },
        }))
        .unwrap();
        let request = trace.into_request();
        let of_resource = &request.resource_spans[0];
        assert_eq!(of_resource.resource.as_ref().unwrap().attributes[0].key, "service.name");
        let of_scope = &of_resource.scope_spans[0];
        assert_eq!(of_scope.scope.as_ref().unwrap().name, "tracing-axum-layer");
        let span = &of_scope.spans[0];
        assert_eq!(span.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
        assert_eq!((span.parent_span_id[7], span.links[0].span_id[7]), (3, 2));
        assert_eq!(
            (span.kind(), span.status.as_ref().unwrap().code()),
            (SpanKind::Server, StatusCode::Error)
        );
        assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (5_000, 12_000));
        assert_eq!((span.events[0].name.as_str(), span.attributes.len()), ("exception", 1));
    }

    #[test]
    fn invalid_identifiers_have_no_bytes() {
        assert!(bytes("x", 8).is_empty());
        assert!(bytes("12345678901234567", 8).is_empty(), "too long");
        assert!(bytes("", 8).is_empty());
    }
}
