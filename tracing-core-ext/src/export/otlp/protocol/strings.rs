//! Strings and attributes in OTLP/protobuf.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::{Array, KeyValue, Value};

use super::protobuf::Writer;
use crate::semconv::FactValue;

/// Writes fields whose strings may be truncated.
pub(crate) struct Strings<'a> {
    pub(in crate::export::otlp) writer: &'a mut Writer,
    /// Longest string, in bytes.
    pub(in crate::export::otlp) max: usize,
}

impl Strings<'_> {
    fn truncated<'t>(&self, text: &'t str) -> &'t str {
        if text.len() <= self.max {
            return text;
        }
        let end = (0..=self.max).rev().find(|end| text.is_char_boundary(*end));
        &text[..end.unwrap_or(0)]
    }

    pub(in crate::export::otlp) fn text(&mut self, field: u32, text: &str) {
        let text = self.truncated(text);
        self.writer.text(field, text);
    }

    pub(in crate::export::otlp) fn attributes(&mut self, field: u32, attributes: &[KeyValue]) {
        for KeyValue { key, value, .. } in attributes {
            self.attribute(field, key.as_str(), value.into());
        }
    }

    #[inline(always)]
    pub(in crate::export::otlp) fn attribute(
        &mut self,
        field: u32,
        key: &str,
        value: FactValue<'_>,
    ) {
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

    pub(in crate::export::otlp) fn text_value(&mut self, field: u32, text: &str) {
        let text = self.truncated(text);
        self.bytes_value(field, text.as_bytes());
    }

    fn bytes_value(&mut self, field: u32, text: &[u8]) {
        let message = self.writer.begin(field);
        self.writer.bytes(1, text);
        self.writer.end(message);
    }

    /// An `AnyValue`. A member of a `oneof` is written even if it has its default value.
    pub(in crate::export::otlp) fn value(&mut self, field: u32, value: &Value) {
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
}

pub(in crate::export::otlp) fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
