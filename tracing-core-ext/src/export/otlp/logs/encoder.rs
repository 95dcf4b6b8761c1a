//! Fields of a log record in OTLP/protobuf.

use crate::{
    export::otlp::protocol::{
        batch_encoder::{EncodeItem, EncodeScope},
        protobuf::Writer,
        strings::{Strings, nanoseconds},
    },
    logs::{LogRecord, LogValue},
    semconv::FactValue,
};

/// The target of an event is the name of the scope.
impl EncodeScope for str {
    fn encode(&self, strings: &mut Strings<'_>) {
        strings.writer.text(1, self);
    }
}

impl EncodeItem for LogRecord {
    type Scope = str;

    fn scope(&self) -> Option<&str> {
        Some(&self.target)
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        let time = nanoseconds(self.time);
        writer.fixed64(1, time);
        writer.integer(2, u64::from(self.severity.number()));
        writer.text(3, self.severity.text());
        let mut strings = Strings { writer, max: max_string };
        if let Some(body) = self.body() {
            strings.text_value(5, body);
        }
        for (key, value) in self.attributes() {
            match value {
                LogValue::Int(number) => strings.attribute(6, key, FactValue::Int(number)),
                LogValue::Text(text) => strings.attribute(6, key, FactValue::Str(text)),
                LogValue::Float(number) => {
                    strings.attribute(6, key, FactValue::Value(&number.into()));
                }
                LogValue::Bool(value) => {
                    strings.attribute(6, key, FactValue::Value(&value.into()));
                }
            }
        }
        let writer = strings.writer;
        writer.integer(7, u64::from(self.dropped));
        if let Some(span) = &self.span {
            writer.fixed32(8, u32::from(span.flags.to_u8()));
            writer.bytes(9, &span.trace_id.to_bytes());
            writer.bytes(10, &span.span_id.to_bytes());
        }
        // The bridge observes an event when it happens.
        writer.fixed64(11, time);
        writer.text(12, self.event_name().unwrap_or_default());
    }
}
