//! Fields of a span in OTLP/protobuf.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::{
    Array, KeyValue, SpanId, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};

use super::super::protobuf::Writer;
use crate::semconv::{FactValue, Facts};

/// A span to encode, borrowed from a record or from the SDK's type.
pub(super) struct SpanFields<'a> {
    pub(super) identity: &'a SpanContext,
    pub(super) parent_span_id: SpanId,
    pub(super) parent_is_remote: bool,
    pub(super) kind: &'a SpanKind,
    pub(super) name: &'a str,
    pub(super) times: [SystemTime; 2],
    pub(super) attributes: AttributeFields<'a>,
    pub(super) dropped_attributes: u32,
    pub(super) events: (&'a [Event], u32),
    pub(super) links: (&'a [Link], u32),
    pub(super) status: &'a Status,
}

pub(super) enum AttributeFields<'a> {
    Facts(&'a Facts),
    List(&'a [KeyValue]),
}

/// Writes fields whose strings may be truncated.
pub(super) struct Strings<'a> {
    pub(super) writer: &'a mut Writer,
    /// Longest string, in bytes.
    pub(super) max: usize,
}

impl SpanFields<'_> {
    pub(super) fn write(&self, strings: &mut Strings<'_>) {
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
                facts.for_each(|key, value| strings.attribute(9, key, value));
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
            self.attribute(field, key.as_str(), value.into());
        }
    }

    #[inline(always)]
    pub(super) fn attribute(&mut self, field: u32, key: &str, value: FactValue<'_>) {
        let is_written = match value {
            FactValue::Str(text) if text.len() <= self.max => {
                self.writer.short_text_attribute(field, key, text.as_bytes())
            }
            FactValue::Address(text) => {
                self.writer.short_text_attribute(field, key, text.as_bytes())
            }
            FactValue::Int(number) => self.writer.short_int_attribute(field, key, number),
            FactValue::Str(_) | FactValue::Value(_) => false,
        };
        if !is_written {
            self.long_attribute(field, key, value);
        }
    }

    /// An attribute of any type and length.
    #[cold]
    fn long_attribute(&mut self, field: u32, key: &str, value: FactValue<'_>) {
        let message = self.writer.begin(field);
        self.writer.text(1, key);
        match value {
            FactValue::Str(text) => self.text_value(2, text),
            FactValue::Address(text) => self.bytes_value(2, text.as_bytes()),
            FactValue::Int(number) => self.value(2, &Value::I64(number)),
            FactValue::Value(value) => self.value(2, value),
        }
        self.writer.end(message);
    }

    fn text_value(&mut self, field: u32, text: &str) {
        let text = self.truncated(text);
        self.bytes_value(field, text.as_bytes());
    }

    fn bytes_value(&mut self, field: u32, text: &[u8]) {
        let message = self.writer.begin(field);
        self.writer.bytes(1, text);
        self.writer.end(message);
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
        if *status == Status::Unset {
            return self.writer.bytes(15, &[]);
        }
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
