use std::{
    borrow::Cow,
    fmt::{self, Write},
    ops::Range,
    time::SystemTime,
};

use opentelemetry::{SpanId, TraceFlags, TraceId, Value, trace::SpanContext};

use super::limits::LogLimits;
use crate::base::text::truncate;

/// Log record before its export, for
/// [`before_log_export`](crate::telemetry::TelemetryBuilder::before_log_export).
///
/// All texts of a record are kept in one buffer.
#[derive(Clone)]
pub struct LogRecord {
    pub(crate) time: SystemTime,
    pub(crate) severity: LogSeverity,
    pub(crate) event_name: Option<Cow<'static, str>>,
    pub(crate) target: Cow<'static, str>,
    pub(crate) span: Option<LogSpan>,
    pub(crate) dropped: u32,
    body: Option<Range<usize>>,
    attributes: Vec<(Cow<'static, str>, Stored)>,
    text: String,
    limits: LogLimits,
}

/// Identity of the span to which a record belongs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LogSpan {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) flags: TraceFlags,
}

/// Severity of a log record: OpenTelemetry logs data model, "Severity Fields".
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum LogSeverity {
    /// Number 1.
    Trace,
    /// Number 5.
    Debug,
    /// Number 9.
    Info,
    /// Number 13.
    Warn,
    /// Number 17.
    Error,
}

/// Value of an attribute of a log record.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LogValue<'a> {
    /// Integer.
    Int(i64),
    /// Floating-point number.
    Float(f64),
    /// Boolean.
    Bool(bool),
    /// Text.
    Text(&'a str),
}

#[derive(Clone, Debug)]
enum Stored {
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Range of the text buffer.
    Text(Range<usize>),
}

/// Approximate memory of an attribute without its text, in bytes.
const ATTRIBUTE_BYTES: usize = size_of::<(Cow<'static, str>, Stored)>();

impl LogSeverity {
    /// Returns the `SeverityNumber`.
    pub fn number(self) -> u8 {
        match self {
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Warn => 13,
            Self::Error => 17,
        }
    }

    /// Returns the `SeverityText`, the name of the level in `tracing`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

impl fmt::Display for LogValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl From<&SpanContext> for LogSpan {
    fn from(span: &SpanContext) -> Self {
        Self { trace_id: span.trace_id(), span_id: span.span_id(), flags: span.trace_flags() }
    }
}

impl LogRecord {
    /// Creates a record without a body and attributes.
    pub(crate) fn new(
        time: SystemTime,
        severity: LogSeverity,
        target: Cow<'static, str>,
        limits: LogLimits,
    ) -> Self {
        Self {
            time,
            severity,
            event_name: None,
            target,
            span: None,
            dropped: 0,
            body: None,
            attributes: Vec::new(),
            text: String::new(),
            limits,
        }
    }

    /// Returns the time of the event.
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// Returns the severity.
    pub fn severity(&self) -> LogSeverity {
        self.severity
    }

    /// Returns the target of the event, which is exported as the name of the instrumentation scope.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the name of the event, if it has one.
    pub fn event_name(&self) -> Option<&str> {
        self.event_name.as_deref()
    }

    /// Returns the trace id of the event's span.
    pub fn trace_id(&self) -> Option<TraceId> {
        self.span.map(|span| span.trace_id)
    }

    /// Returns the span id of the event's span.
    pub fn span_id(&self) -> Option<SpanId> {
        self.span.map(|span| span.span_id)
    }

    /// Returns the message.
    pub fn body(&self) -> Option<&str> {
        self.body.clone().map(|range| &self.text[range])
    }

    /// Replaces the message.
    pub fn set_body(&mut self, text: &str) {
        self.write_body(format_args!("{text}"));
    }

    /// Returns the attributes.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, LogValue<'_>)> {
        self.attributes.iter().map(|(key, value)| (&**key, self.value(value)))
    }

    /// Returns the value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<LogValue<'_>> {
        let found = self.attributes.iter().find(|(other, _)| *other == *key);
        found.map(|(_, value)| self.value(value))
    }

    /// Sets an attribute. It replaces an attribute of the same key.
    pub fn set_attribute(&mut self, key: impl Into<Cow<'static, str>>, value: LogValue<'_>) {
        let stored = match value {
            LogValue::Int(number) => Stored::Int(number),
            LogValue::Float(number) => Stored::Float(number),
            LogValue::Bool(value) => Stored::Bool(value),
            LogValue::Text(text) => return self.write_text(key, format_args!("{text}")),
        };
        self.store(key.into(), stored);
    }

    /// Keeps the attributes for whose keys `keep` returns true.
    pub fn retain_attributes(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.attributes.retain(|(key, _)| keep(key));
    }

    /// Formats the message.
    pub(crate) fn write_body(&mut self, text: fmt::Arguments<'_>) {
        self.body = Some(self.write(text));
    }

    /// Formats the value of an attribute.
    pub(crate) fn write_text(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        text: fmt::Arguments<'_>,
    ) {
        let key = key.into();
        if self.is_full(&key) {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let range = self.write(text);
        let range = self.truncated(range);
        self.store(key, Stored::Text(range));
    }

    /// Sets an attribute of OpenTelemetry's type. A list is written as text.
    pub(crate) fn set_value(&mut self, key: impl Into<Cow<'static, str>>, value: &Value) {
        match value {
            Value::Bool(value) => self.set_attribute(key, LogValue::Bool(*value)),
            Value::I64(number) => self.set_attribute(key, LogValue::Int(*number)),
            Value::F64(number) => self.set_attribute(key, LogValue::Float(*number)),
            Value::String(text) => self.set_attribute(key, LogValue::Text(text.as_str())),
            other => self.write_text(key, format_args!("{other}")),
        }
    }

    /// Sets the sampled flag of the span.
    pub(crate) fn set_sampled(&mut self, is_sampled: bool) {
        if let Some(span) = &mut self.span {
            span.flags = span.flags.with_sampled(is_sampled);
        }
    }

    /// Returns the approximate memory of the record, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.text.capacity() + self.attributes.capacity() * ATTRIBUTE_BYTES
    }

    fn value(&self, stored: &Stored) -> LogValue<'_> {
        match stored {
            Stored::Int(number) => LogValue::Int(*number),
            Stored::Float(number) => LogValue::Float(*number),
            Stored::Bool(value) => LogValue::Bool(*value),
            Stored::Text(range) => LogValue::Text(&self.text[range.clone()]),
        }
    }

    /// Whether an attribute with this key exceeds the limit.
    fn is_full(&self, key: &str) -> bool {
        self.attributes.len() >= self.limits.count
            && !self.attributes.iter().any(|(other, _)| *other == *key)
    }

    /// Stores an attribute. "The names of attributes MUST be unique", so the last value is kept.
    fn store(&mut self, key: Cow<'static, str>, value: Stored) {
        if let Some((_, stored)) = self.attributes.iter_mut().find(|(other, _)| *other == key) {
            *stored = value;
        } else if self.attributes.len() < self.limits.count {
            self.attributes.push((key, value));
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Appends to the text buffer. If a `Display` or `Debug` implementation fails, the text before
    /// the failure is kept.
    fn write(&mut self, text: fmt::Arguments<'_>) -> Range<usize> {
        let start = self.text.len();
        let _ = self.text.write_fmt(text);
        start..self.text.len()
    }

    fn truncated(&mut self, range: Range<usize>) -> Range<usize> {
        let Some(limit) = self.limits.value_length else { return range };
        let end = range.start + truncate::text(&self.text[range.clone()], limit).len();
        self.text.truncate(end);
        range.start..end
    }
}

impl fmt::Debug for LogRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogRecord")
            .field("severity", &self.severity)
            .field("target", &self.target)
            .field("span", &self.span)
            .field("body", &self.body())
            .field("attributes", &Vec::from_iter(self.attributes()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(count: usize, value_length: Option<usize>) -> LogRecord {
        let limits = LogLimits { count, value_length };
        LogRecord::new(SystemTime::UNIX_EPOCH, LogSeverity::Info, "shop".into(), limits)
    }

    #[test]
    fn attributes_beyond_the_limit_are_dropped_and_counted() {
        let mut record = record(2, None);
        record.set_attribute("a", LogValue::Int(1));
        record.write_text("b", format_args!("{}", 2));
        record.set_attribute("c", LogValue::Bool(true));
        record.write_text("d", format_args!("{}", 2));
        record.set_attribute("a", LogValue::Float(0.5));
        let attributes: Vec<_> = record.attributes().collect();
        assert_eq!(attributes, [("a", LogValue::Float(0.5)), ("b", LogValue::Text("2"))]);
        assert_eq!(record.dropped, 2);
    }

    #[test]
    fn a_long_value_is_truncated_between_characters_and_the_message_is_not() {
        let mut record = record(9, Some(2));
        record.set_body("a long message");
        record.write_text("item", format_args!("añb"));
        record.set_attribute("next", LogValue::Text("x"));
        assert_eq!(record.attribute("item"), Some(LogValue::Text("añ")));
        assert_eq!(record.attribute("next"), Some(LogValue::Text("x")));
        assert_eq!(record.body(), Some("a long message"));
    }

    #[test]
    fn a_value_whose_formatting_fails_keeps_the_text_before() {
        struct Fails;
        impl fmt::Display for Fails {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half")?;
                Err(fmt::Error)
            }
        }
        let mut record = record(9, None);
        record.write_text("item", format_args!("{Fails}"));
        assert_eq!(record.attribute("item"), Some(LogValue::Text("half")));
    }
}
