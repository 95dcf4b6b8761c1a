//! Attributes of a request at the end of its log lines.

use std::fmt::{self, Write};

use opentelemetry::{Context, Value};
use tracing::Event;

use super::logfmt;
use crate::{
    base::text::unprintable::{Escape, EscapingWriter},
    bridge::request_attributes::{self, RequestAttributes},
};

/// Form of a line.
#[derive(Clone, Copy, Debug)]
pub(super) enum LineFormat {
    Text,
    Json,
    Logfmt,
}

impl LineFormat {
    pub(super) const fn escape(self, is_colorful: bool) -> Escape {
        match self {
            Self::Json => Escape::Json,
            Self::Text if is_colorful => Escape::ColoredLines,
            Self::Text | Self::Logfmt => Escape::Lines,
        }
    }
}

/// Attributes in the form of a line: each begins with the separator.
pub(super) struct LineAttributes<'a> {
    attributes: Option<&'a RequestAttributes>,
    format: LineFormat,
}

impl<'a> LineAttributes<'a> {
    /// Returns the attributes for a line of `event` in `context`.
    pub(super) fn of(context: Option<&'a Context>, event: &Event<'_>, format: LineFormat) -> Self {
        Self { attributes: request_attributes::of_line(context, event), format }
    }
}

impl fmt::Display for LineAttributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(attributes) = self.attributes else { return Ok(()) };
        attributes.for_each_of_lines(|key, value| match self.format {
            LineFormat::Text => text(f, key, value),
            LineFormat::Json => json(f, key, value),
            LineFormat::Logfmt => {
                write!(f, " {}={}", logfmt::Key(key), logfmt::Quoted(&value.as_str()))
            }
        })
    }
}

/// Writes a field as the text formats do: strings in quotes.
fn text(f: &mut fmt::Formatter<'_>, key: &str, value: &Value) -> fmt::Result {
    let mut writer = EscapingWriter::new(f, Escape::Field);
    match value {
        Value::String(value) => write!(writer, " {key}={:?}", value.as_str()),
        other => write!(writer, " {key}={other}"),
    }
}

fn json(f: &mut fmt::Formatter<'_>, key: &str, value: &Value) -> fmt::Result {
    let value = match value {
        Value::Bool(value) => (*value).into(),
        Value::I64(value) => (*value).into(),
        Value::F64(value) => (*value).into(),
        other => serde_json::Value::from(other.as_str()),
    };
    write!(EscapingWriter::new(f, Escape::Json), ",{}:{value}", serde_json::Value::from(key))
}
