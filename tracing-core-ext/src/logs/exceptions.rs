//! Exceptions as log records: semantic conventions, "Exceptions in logs" and "HTTP exceptions".

use std::time::SystemTime;

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanKind},
};

use super::{
    logger::Logger,
    record::{LogRecord, LogSeverity},
};

/// Converts the exceptions of spans to log records.
#[derive(Clone, Debug)]
pub(crate) struct ExceptionLog {
    pub(crate) logger: Logger,
    /// Whether an exception is an event of its span as well.
    pub(crate) has_span_events: bool,
}

/// Span of an exception.
pub(crate) struct ExceptionSpan<'a> {
    pub(crate) identity: &'a SpanContext,
    pub(crate) scope: &'a InstrumentationScope,
    pub(crate) kind: &'a SpanKind,
    pub(crate) protocol: ExceptionProtocol,
}

/// ExceptionProtocol of an operation, by the attributes of its span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ExceptionProtocol {
    Http,
    Rpc,
    Other,
}

impl ExceptionLog {
    pub(crate) const fn new(logger: Logger, has_span_events: bool) -> Self {
        Self { logger, has_span_events }
    }

    /// Returns the record of an exception with the attributes of its event.
    pub(crate) fn record(
        &self,
        span: &ExceptionSpan<'_>,
        time: SystemTime,
        attributes: &[KeyValue],
    ) -> LogRecord {
        let (name, severity) = name_and_severity(span.protocol, span.kind);
        let target = span.scope.name().to_owned();
        let mut record = LogRecord::new(time, severity, target.into(), self.logger.limits());
        record.event_name = Some(name.into());
        record.span = Some(span.identity.into());
        for attribute in attributes {
            record.set_value(attribute.key.as_str().to_owned(), &attribute.value);
        }
        record
    }
}

/// "The event name MUST be `http.server.request.exception`", and the severity of clients "SHOULD"
/// be WARN.
fn name_and_severity(protocol: ExceptionProtocol, kind: &SpanKind) -> (&'static str, LogSeverity) {
    match (protocol, kind) {
        (ExceptionProtocol::Http, SpanKind::Client) => {
            ("http.client.request.exception", LogSeverity::Warn)
        }
        (ExceptionProtocol::Http, SpanKind::Server) => {
            ("http.server.request.exception", LogSeverity::Error)
        }
        (ExceptionProtocol::Rpc, SpanKind::Client) => {
            ("rpc.client.call.exception", LogSeverity::Warn)
        }
        (ExceptionProtocol::Rpc, SpanKind::Server) => {
            ("rpc.server.call.exception", LogSeverity::Error)
        }
        _ => ("exception", LogSeverity::Error),
    }
}
