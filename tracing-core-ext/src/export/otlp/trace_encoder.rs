//! Encoding of spans as OTLP/protobuf, directly from their records.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, SpanId, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::{Resource, trace::SpanData};

use super::protobuf::{Message, Writer, bytes_length, varint_length};
use crate::{
    semconv::{FactValue, Facts},
    trace::SpanRecord,
};

/// Bytes of string values that a span too large for one request keeps of each string, tried in this order.
const SHORTER: [usize; 4] = [65_536, 8_192, 1_024, 64];

/// Encodes `ExportTraceServiceRequest` messages that are not larger than a limit.
#[derive(Debug)]
pub(crate) struct TraceEncoder {
    /// The fields `resource` and `schema_url` of `ResourceSpans`.
    resource: Vec<u8>,
    max_request_bytes: usize,
}

/// A request to export spans.
#[derive(Debug, PartialEq)]
pub(crate) struct EncodedRequest {
    pub(crate) bytes: Vec<u8>,
    /// Indices of the encoded spans.
    pub(crate) spans: Vec<usize>,
    /// Number of spans whose strings were truncated so that they fit.
    pub(crate) truncated: u64,
}

/// The requests that a batch becomes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct EncodedBatch {
    pub(crate) requests: Vec<EncodedRequest>,
    /// Number of spans that do not fit into a request, even with short strings.
    pub(crate) oversized: u64,
}

/// A span to encode, borrowed from a record or from the SDK's type.
struct SpanFields<'a> {
    identity: &'a SpanContext,
    parent_span_id: SpanId,
    parent_is_remote: bool,
    kind: &'a SpanKind,
    name: &'a str,
    times: [SystemTime; 2],
    attributes: AttributeFields<'a>,
    dropped_attributes: u32,
    events: (&'a [Event], u32),
    links: (&'a [Link], u32),
    status: &'a Status,
}

enum AttributeFields<'a> {
    Facts(&'a Facts),
    List(&'a [KeyValue]),
}

/// A span that can be encoded.
pub(crate) trait EncodeSpan {
    fn scope(&self) -> Option<&InstrumentationScope>;

    fn encode(&self, writer: &mut Writer, max_string: usize);
}

impl EncodeSpan for SpanRecord {
    fn scope(&self) -> Option<&InstrumentationScope> {
        Self::scope(self).map(|scope| &**scope)
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        let extended = self.extended.as_deref();
        let fields = SpanFields {
            identity: &self.identity,
            parent_span_id: self.parent.span_id,
            parent_is_remote: self.parent.is_remote,
            kind: &self.kind,
            name: &self.name,
            times: [self.start_time, self.end_time],
            attributes: AttributeFields::Facts(&self.facts),
            dropped_attributes: self.facts.dropped(),
            events: extended.map_or((&[], 0), |it| (&it.events.events, it.events.dropped_count)),
            links: extended.map_or((&[], 0), |it| (&it.links.links, it.links.dropped_count)),
            status: &self.status,
        };
        fields.write(&mut Strings { writer, max: max_string });
    }
}

impl EncodeSpan for SpanData {
    fn scope(&self) -> Option<&InstrumentationScope> {
        Some(&self.instrumentation_scope)
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        let fields = SpanFields {
            identity: &self.span_context,
            parent_span_id: self.parent_span_id,
            parent_is_remote: self.parent_span_is_remote,
            kind: &self.span_kind,
            name: &self.name,
            times: [self.start_time, self.end_time],
            attributes: AttributeFields::List(&self.attributes),
            dropped_attributes: self.dropped_attributes_count,
            events: (&self.events.events, self.events.dropped_count),
            links: (&self.links.links, self.links.dropped_count),
            status: &self.status,
        };
        fields.write(&mut Strings { writer, max: max_string });
    }
}

impl<S: EncodeSpan> EncodeSpan for &S {
    fn scope(&self) -> Option<&InstrumentationScope> {
        (**self).scope()
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        (**self).encode(writer, max_string);
    }
}

impl<S: EncodeSpan> EncodeSpan for Box<S> {
    fn scope(&self) -> Option<&InstrumentationScope> {
        (**self).scope()
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        (**self).encode(writer, max_string);
    }
}

impl TraceEncoder {
    /// Encodes spans of this resource.
    pub(crate) fn new(resource: &Resource, max_request_bytes: usize) -> Self {
        let mut writer = Writer::default();
        let mut strings = Strings { writer: &mut writer, max: usize::MAX };
        let message = strings.writer.begin(1);
        for (key, value) in resource {
            strings.attribute(1, key.as_str(), &FactValue::Value(value));
        }
        strings.writer.end(message);
        strings.writer.text(3, resource.schema_url().unwrap_or_default());
        Self { resource: writer.into_bytes(), max_request_bytes }
    }

    /// Encodes `spans`, grouped by their scope, into as many requests as the limit requires.
    pub(crate) fn encode<S: EncodeSpan>(&self, spans: &[S]) -> EncodedBatch {
        let mut scopes: Vec<Option<&InstrumentationScope>> = Vec::new();
        let mut encoding =
            Encoding { encoder: self, batch: EncodedBatch::default(), request: Request::new(self) };
        for span in spans {
            let scope = span.scope();
            if scopes.iter().any(|known| is_same(*known, scope)) {
                continue;
            }
            scopes.push(scope);
            encoding.request.begin_scope(scope);
            let of_scope = spans.iter().enumerate();
            let of_scope = of_scope.filter(|(_, span)| is_same(span.scope(), scope));
            of_scope.for_each(|(at, span)| encoding.add(at, span));
        }
        encoding.next_request();
        encoding.batch
    }
}

fn is_same(one: Option<&InstrumentationScope>, other: Option<&InstrumentationScope>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => std::ptr::eq(one, other) || one == other,
        (None, None) => true,
        _ => false,
    }
}

/// A batch that is being encoded.
struct Encoding<'a> {
    encoder: &'a TraceEncoder,
    batch: EncodedBatch,
    request: Request<'a>,
}

impl Encoding<'_> {
    /// Adds `span` to the request, or to the next one if it does not fit.
    fn add(&mut self, at: usize, span: &impl EncodeSpan) {
        if self.request.add(at, span, usize::MAX) {
            return;
        }
        if !self.request.spans.is_empty() {
            self.next_request();
            if self.request.add(at, span, usize::MAX) {
                return;
            }
        }
        if SHORTER.into_iter().any(|max| self.request.add(at, span, max)) {
            self.request.truncated += 1;
        } else {
            self.batch.oversized += 1;
        }
    }

    fn next_request(&mut self) {
        let mut next = Request::new(self.encoder);
        next.begin_scope(self.request.scope);
        let request = std::mem::replace(&mut self.request, next);
        self.batch.requests.extend(request.finish());
    }
}

/// The spans of one scope, where they start, and the number of spans before them.
struct ScopeSpans {
    message: Message,
    start: usize,
    spans_before: usize,
}

/// A request that is being encoded.
struct Request<'a> {
    writer: Writer,
    resource_spans: Message,
    scope_spans: Option<ScopeSpans>,
    scope: Option<&'a InstrumentationScope>,
    limit: usize,
    spans: Vec<usize>,
    truncated: u64,
}

impl<'a> Request<'a> {
    fn new(encoder: &TraceEncoder) -> Self {
        let mut writer = Writer::default();
        let resource_spans = writer.begin(1);
        writer.raw(&encoder.resource);
        let limit = encoder.max_request_bytes;
        let (spans, truncated) = (Vec::new(), 0);
        Self { writer, resource_spans, scope_spans: None, scope: None, limit, spans, truncated }
    }

    /// Starts the spans of `scope`.
    fn begin_scope(&mut self, scope: Option<&'a InstrumentationScope>) {
        self.end_scope();
        self.scope = scope;
        let start = self.writer.len();
        let message = self.writer.begin(2);
        let mut strings = Strings { writer: &mut self.writer, max: usize::MAX };
        let nested = strings.writer.begin(1);
        if let Some(scope) = scope {
            strings.writer.text(1, scope.name());
            strings.writer.text(2, scope.version().unwrap_or_default());
            for attribute in scope.attributes() {
                let value = FactValue::Value(&attribute.value);
                strings.attribute(3, attribute.key.as_str(), &value);
            }
        }
        strings.writer.end(nested);
        self.writer.text(3, scope.and_then(InstrumentationScope::schema_url).unwrap_or_default());
        self.scope_spans = Some(ScopeSpans { message, start, spans_before: self.spans.len() });
    }

    fn end_scope(&mut self) {
        let Some(ScopeSpans { message, start, spans_before }) = self.scope_spans.take() else {
            return;
        };
        if self.spans.len() > spans_before {
            self.writer.end(message);
        } else {
            self.writer.truncate(start);
        }
    }

    /// Adds a span with strings of at most `max_string` bytes. Returns false if the request became too large.
    fn add(&mut self, at: usize, span: &impl EncodeSpan, max_string: usize) -> bool {
        let before = self.writer.len();
        let message = self.writer.begin(2);
        span.encode(&mut self.writer, max_string);
        self.writer.end(message);
        let fits = self.writer.len() <= self.limit;
        if fits {
            self.spans.push(at);
        } else {
            self.writer.truncate(before);
        }
        fits
    }

    /// The request, if it has any spans.
    fn finish(mut self) -> Option<EncodedRequest> {
        self.end_scope();
        self.writer.end(self.resource_spans);
        let (spans, truncated) = (self.spans, self.truncated);
        (!spans.is_empty()).then(|| EncodedRequest {
            bytes: self.writer.into_bytes(),
            spans,
            truncated,
        })
    }
}

/// Writes fields whose strings may be truncated.
struct Strings<'a> {
    writer: &'a mut Writer,
    /// Longest string, in bytes.
    max: usize,
}

impl SpanFields<'_> {
    fn write(&self, strings: &mut Strings<'_>) {
        let writer = &mut *strings.writer;
        writer.bytes(1, &self.identity.trace_id().to_bytes());
        writer.bytes(2, &self.identity.span_id().to_bytes());
        write_trace_state(writer, self.identity.trace_state());
        if self.parent_span_id != SpanId::INVALID {
            writer.bytes(4, &self.parent_span_id.to_bytes());
        }
        writer.fixed32(16, flags(self.identity, self.parent_is_remote));
        strings.text(5, self.name);
        let writer = &mut *strings.writer;
        writer.integer(6, kind(self.kind));
        writer.fixed64(7, nanoseconds(self.times[0]));
        writer.fixed64(8, nanoseconds(self.times[1]));
        match &self.attributes {
            AttributeFields::Facts(facts) => {
                facts.for_each(|key, value| strings.attribute(9, key, &value));
            }
            AttributeFields::List(list) => strings.attributes(9, list),
        }
        strings.writer.integer(10, u64::from(self.dropped_attributes));
        self.events.0.iter().for_each(|event| strings.event(event));
        strings.writer.integer(12, u64::from(self.events.1));
        self.links.0.iter().for_each(|link| strings.link(link));
        strings.writer.integer(14, u64::from(self.links.1));
        strings.status(self.status);
    }
}

impl Strings<'_> {
    fn truncated<'t>(&self, text: &'t str) -> &'t str {
        if text.len() <= self.max {
            return text;
        }
        let end = (0..=self.max).rev().find(|end| text.is_char_boundary(*end));
        &text[..end.unwrap_or(0)]
    }

    fn text(&mut self, field: u32, text: &str) {
        let text = self.truncated(text);
        self.writer.text(field, text);
    }

    fn attributes(&mut self, field: u32, attributes: &[KeyValue]) {
        for KeyValue { key, value, .. } in attributes {
            self.attribute(field, key.as_str(), &FactValue::Value(value));
        }
    }

    #[inline]
    fn attribute(&mut self, field: u32, key: &str, value: &FactValue<'_>) {
        match value {
            FactValue::Str(text) => self.text_attribute(field, key, text),
            FactValue::Value(Value::String(text)) => {
                self.text_attribute(field, key, text.as_str());
            }
            FactValue::Int(number) | FactValue::Value(Value::I64(number)) => {
                self.int_attribute(field, key, *number);
            }
            FactValue::Value(value) => {
                let message = self.writer.begin(field);
                self.writer.text(1, key);
                self.value(2, value);
                self.writer.end(message);
            }
        }
    }

    /// The lengths of the messages around a string are known before it is written.
    #[inline]
    fn text_attribute(&mut self, field: u32, key: &str, text: &str) {
        let text = self.truncated(text);
        let writer = &mut *self.writer;
        let value = bytes_length(text.len());
        writer.tag(field, 2);
        writer.varint((key_length(key) + bytes_length(value)) as u64);
        writer.text(1, key);
        writer.tag(2, 2);
        writer.varint(value as u64);
        writer.bytes(1, text.as_bytes());
    }

    #[inline]
    fn int_attribute(&mut self, field: u32, key: &str, number: i64) {
        let writer = &mut *self.writer;
        let value = 1 + varint_length(number as u64);
        writer.tag(field, 2);
        writer.varint((key_length(key) + bytes_length(value)) as u64);
        writer.text(1, key);
        writer.tag(2, 2);
        writer.varint(value as u64);
        writer.tag(3, 0);
        writer.varint(number as u64);
    }

    /// An `AnyValue`. A member of a `oneof` is written even if it has its default value.
    fn value(&mut self, field: u32, value: &Value) {
        let message = self.writer.begin(field);
        match value {
            Value::String(text) => {
                let text = self.truncated(text.as_str());
                self.writer.bytes(1, text.as_bytes());
            }
            Value::Bool(value) => {
                self.writer.tag(2, 0);
                self.writer.varint(u64::from(*value));
            }
            Value::I64(number) => {
                self.writer.tag(3, 0);
                self.writer.varint(*number as u64);
            }
            Value::F64(number) => self.writer.fixed64(4, number.to_bits()),
            Value::Array(array) => self.array(array),
            // The type is non-exhaustive: a value of a later version is written as text.
            other => self.writer.bytes(1, other.to_string().as_bytes()),
        }
        self.writer.end(message);
    }

    fn array(&mut self, array: &Array) {
        let message = self.writer.begin(5);
        match array {
            Array::Bool(list) => list.iter().for_each(|it| self.value(1, &(*it).into())),
            Array::I64(list) => list.iter().for_each(|it| self.value(1, &(*it).into())),
            Array::F64(list) => list.iter().for_each(|it| self.value(1, &(*it).into())),
            Array::String(list) => {
                list.iter().for_each(|it| self.value(1, &Value::String(it.clone())));
            }
            _ => {}
        }
        self.writer.end(message);
    }

    fn event(&mut self, event: &Event) {
        let message = self.writer.begin(11);
        self.writer.fixed64(1, nanoseconds(event.timestamp));
        self.text(2, &event.name);
        self.attributes(3, &event.attributes);
        self.writer.integer(4, u64::from(event.dropped_attributes_count));
        self.writer.end(message);
    }

    fn link(&mut self, link: &Link) {
        let identity = &link.span_context;
        let message = self.writer.begin(13);
        self.writer.bytes(1, &identity.trace_id().to_bytes());
        self.writer.bytes(2, &identity.span_id().to_bytes());
        write_trace_state(self.writer, identity.trace_state());
        self.attributes(4, &link.attributes);
        self.writer.integer(5, u64::from(link.dropped_attributes_count));
        self.writer.fixed32(6, flags(identity, identity.is_remote()));
        self.writer.end(message);
    }

    fn status(&mut self, status: &Status) {
        let message = self.writer.begin(15);
        match status {
            Status::Unset => {}
            Status::Ok => self.writer.integer(3, 1),
            Status::Error { description } => {
                self.text(2, description);
                self.writer.integer(3, 2);
            }
        }
        self.writer.end(message);
    }
}

/// Length of the field `key` of an attribute.
fn key_length(key: &str) -> usize {
    if key.is_empty() { 0 } else { bytes_length(key.len()) }
}

fn write_trace_state(writer: &mut Writer, trace_state: &TraceState) {
    if *trace_state != TraceState::NONE {
        writer.text(3, &trace_state.header());
    }
}

/// The W3C flags, whether it is known that the parent is remote, and whether it is.
fn flags(identity: &SpanContext, is_remote: bool) -> u32 {
    u32::from(identity.trace_flags().to_u8()) | 0x100 | u32::from(is_remote) << 9
}

fn kind(kind: &SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests;
