//! Log records.

use std::{fmt, sync::Arc};

use super::{Attributes, Nanos, Resource, Scope, SpanId, TraceId};

/// Log record of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// Time of the event, or the observed time if the event has none.
    pub time: Nanos,
    /// Time at which the record was observed, or 0 if it is absent.
    pub observed: Nanos,
    /// Sender.
    pub resource: Arc<Resource>,
    /// Instrumentation library.
    pub scope: Arc<Scope>,
    /// Severity.
    pub severity: Severity,
    /// Severity text of the source.
    pub severity_text: Box<str>,
    /// Name of the event, if it has one.
    pub event_name: Box<str>,
    /// Body as text. A structured body is JSON.
    pub body: Arc<str>,
    /// Attributes.
    pub attributes: Attributes,
    /// Number of attributes that the sender or the panel has dropped.
    pub dropped_attributes: u32,
    /// Trace in which the record was created.
    pub trace_id: Option<TraceId>,
    /// Span in which the record was created.
    pub span_id: Option<SpanId>,
    /// W3C trace flags.
    pub flags: u32,
}

/// Severity number of a log record: 1 to 24, or 0 if it is not set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Severity(u8);

impl Severity {
    /// Lowest severity number of errors.
    pub const ERROR: Self = Self(17);
    /// Lowest severity number of warnings.
    pub const WARN: Self = Self(13);

    /// Reads a severity number of OTLP. A number out of range counts as not set.
    pub fn from_number(number: i32) -> Self {
        Self(u8::try_from(number).ok().filter(|number| *number <= 24).unwrap_or(0))
    }

    /// Parses a severity name in a search: `severity>=warn`.
    pub fn from_name(name: &str) -> Option<Self> {
        let names = ["trace", "debug", "info", "warn", "error", "fatal"];
        let index = names.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        Some(Self(index as u8 * 4 + 1))
    }

    /// Returns the severity number of OTLP.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Returns the name of the range of severity numbers.
    pub fn as_str(self) -> &'static str {
        match self.0 {
            1..=4 => "trace",
            5..=8 => "debug",
            9..=12 => "info",
            13..=16 => "warn",
            17..=20 => "error",
            21..=24 => "fatal",
            _ => "unset",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl LogRecord {
    /// Returns the service that sent the record.
    pub fn service(&self) -> &Arc<str> {
        &self.resource.service
    }

    /// Returns the estimated memory of the record, in bytes.
    pub fn bytes(&self) -> usize {
        let text = self.severity_text.len() + self.event_name.len() + self.body.len();
        size_of::<Self>() + self.attributes.heap_bytes() + text
    }
}
