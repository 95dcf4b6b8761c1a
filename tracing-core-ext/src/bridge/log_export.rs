//! Events of `tracing` as log records of OpenTelemetry.

use std::{borrow::Cow, convert::Infallible, error::Error, fmt};

use opentelemetry::{Context as OtelContext, Value, time, trace::TraceContextExt};
use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_log::NormalizeEvent;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::{
    log_lines::line_span::{LineDispatch, SpanLookup, with_context_of},
    request_attributes::{self, RequestAttributes},
};
use crate::{
    logs::{LogRecord, LogSeverity, LogSpan, LogValue, Logger, chain},
    semconv::names,
    trace::TracerProvider,
};

/// Name of an event without an explicit name, up to its location.
const DEFAULT_NAME: &str = "event ";

/// Layer that emits a log record for each event. Events of exporters are not emitted.
#[derive(Debug)]
pub(crate) struct LogExportLayer {
    logger: Logger,
    /// Provider of the spans, which may wait for a decision.
    provider: TracerProvider,
    dispatch: LineDispatch,
}

impl LogExportLayer {
    pub(crate) fn new(logger: Logger, provider: TracerProvider) -> Self {
        Self { logger, provider, dispatch: LineDispatch::default() }
    }

    /// Converts an event. Records of the crate `log` have their target, their level and their
    /// location in fields.
    fn record(&self, event: &Event<'_>, span: Option<LogSpan>) -> LogRecord {
        let of_log = event.normalized_metadata();
        let metadata = of_log.as_ref().unwrap_or(event.metadata());
        let target = match &of_log {
            Some(of_log) => Cow::Owned(of_log.target().to_owned()),
            None => Cow::Borrowed(event.metadata().target()),
        };
        let (severity, limits) = (severity(*metadata.level()), self.logger.limits());
        let mut record = LogRecord::new(time::now(), severity, target, limits);
        record.span = span;
        record.event_name = explicit_name(event.metadata()).filter(|_| of_log.is_none());
        event.record(&mut Fields(&mut record));
        if let Some(file) = metadata.file() {
            record.set_attribute(names::CODE_FILE_PATH, LogValue::Text(file));
        }
        if let Some(line) = metadata.line() {
            record.set_attribute(names::CODE_LINE_NUMBER, LogValue::Int(line.into()));
        }
        record
    }
}

impl<S> Layer<S> for LogExportLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.dispatch.set(dispatch);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if self.logger.is_shut_down() || OtelContext::is_current_telemetry_suppressed() {
            return;
        }
        let current = context.current_span();
        let lookup =
            SpanLookup { exists: |id: &_| context.exists(id), span: |id: &_| context.span(id) };
        let record = with_context_of(event, current.id(), lookup, &self.dispatch, |context| {
            let span = context.map(OtelContext::span);
            let ids = span.as_ref().map(|span| span.span_context()).filter(|ids| ids.is_valid());
            let mut record = self.record(event, ids.map(LogSpan::from));
            if let Some(attributes) = request_attributes::of_line(context, event) {
                set_attributes(&mut record, attributes);
            }
            record
        });
        self.provider.emit(&self.logger, record);
    }
}

/// Sets the attributes of the request.
fn set_attributes(record: &mut LogRecord, attributes: &RequestAttributes) {
    let Ok(()) = attributes.for_each_of_lines(|key, value| {
        let key = key.to_owned();
        match value {
            Value::Bool(value) => record.set_attribute(key, LogValue::Bool(*value)),
            Value::I64(value) => record.set_attribute(key, LogValue::Int(*value)),
            Value::F64(value) => record.set_attribute(key, LogValue::Float(*value)),
            other => record.write_text(key, format_args!("{}", other.as_str())),
        }
        Ok::<(), Infallible>(())
    });
}

fn severity(level: Level) -> LogSeverity {
    match level {
        Level::TRACE => LogSeverity::Trace,
        Level::DEBUG => LogSeverity::Debug,
        Level::INFO => LogSeverity::Info,
        Level::WARN => LogSeverity::Warn,
        Level::ERROR => LogSeverity::Error,
    }
}

/// Returns the name of an event that was given one: `info!(name: "order.placed", …)`.
fn explicit_name(metadata: &'static Metadata<'static>) -> Option<Cow<'static, str>> {
    let name = metadata.name();
    let location = name.strip_prefix(DEFAULT_NAME);
    let is_default = location.zip(metadata.file()).is_some_and(|(it, file)| it.starts_with(file));
    (!is_default).then_some(Cow::Borrowed(name))
}

/// Records the fields of an event.
struct Fields<'a>(&'a mut LogRecord);

impl Fields<'_> {
    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        match field.name() {
            "message" => self.0.write_body(text),
            name if is_of_log(name) => {}
            name => self.0.write_text(name, text),
        }
    }

    fn value(&mut self, field: &Field, value: LogValue<'_>) {
        match field.name() {
            "message" => self.0.write_body(format_args!("{value}")),
            name if is_of_log(name) => {}
            name => self.0.set_attribute(name, value),
        }
    }
}

/// Whether a field has the target or the location of a record of the crate `log`.
fn is_of_log(name: &str) -> bool {
    ["log.target", "log.module_path", "log.file", "log.line"].contains(&name)
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, LogValue::Float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, LogValue::Int(value));
    }

    /// A number above the range of OTLP is a string.
    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.value(field, LogValue::Int(value)),
            Err(_) => self.text(field, format_args!("{value}")),
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.value(field, LogValue::Int(value)),
            Err(_) => self.text(field, format_args!("{value}")),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.value(field, LogValue::Int(value)),
            Err(_) => self.text(field, format_args!("{value}")),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, LogValue::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    /// The first error of an event is its exception. Others are attributes.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let has_exception = self.0.attribute(names::EXCEPTION_MESSAGE).is_some();
        let key = if has_exception { field.name() } else { names::EXCEPTION_MESSAGE };
        self.0.set_attribute(key, LogValue::Text(&chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format_args!("{value:?}"));
    }
}
