//! Log lines for the panel.

use std::{
    fmt, io,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use opentelemetry::trace::SpanContext;
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
};
use tracing::{
    Dispatch, Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_panel::model::now;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::feed::Feed;
use crate::bridge::log_lines::line_span::{LineDispatch, SpanLookup, with_span_of};

/// Lines that wait for the thread that stores them.
const MOST_WAITING: usize = 8_192;
/// Lines that are stored at once.
const MOST_AT_ONCE: usize = 512;
/// Longest string of a line, in bytes.
const LONGEST: usize = 64 << 10;

/// Stores events of `tracing` in the panel, on a thread of its own.
pub(super) struct LineLayer {
    feed: Arc<Feed>,
    sender: Option<SyncSender<LogRecord>>,
    dispatch: LineDispatch,
}

impl LineLayer {
    pub(super) fn new(feed: Arc<Feed>) -> Self {
        let sender = start(Arc::clone(&feed));
        Self { feed, sender: sender.ok(), dispatch: LineDispatch::default() }
    }
}

fn start(feed: Arc<Feed>) -> io::Result<SyncSender<LogRecord>> {
    let (sender, records) = sync_channel(MOST_WAITING);
    let thread = thread::Builder::new().name("panel-lines".to_owned());
    thread.spawn(move || store(&feed, &records))?;
    Ok(sender)
}

fn store(feed: &Feed, records: &Receiver<LogRecord>) {
    while let Ok(first) = records.recv() {
        let mut log_records = vec![first];
        log_records.extend(records.try_iter().take(MOST_AT_ONCE - 1));
        let scope = InstrumentationScope { name: "tracing".to_owned(), ..Default::default() };
        let of_scope = ScopeLogs { scope: Some(scope), log_records, schema_url: String::new() };
        let of_resource = ResourceLogs {
            resource: feed.resource(),
            scope_logs: vec![of_scope],
            schema_url: String::new(),
        };
        feed.panel()
            .intake()
            .add_logs(ExportLogsServiceRequest { resource_logs: vec![of_resource] });
    }
}

impl<S> Layer<S> for LineLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.dispatch.set(dispatch);
    }

    /// A line that has no place is counted as refused.
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let current = context.current_span();
        let lookup =
            SpanLookup { exists: |id: &_| context.exists(id), span: |id: &_| context.span(id) };
        let record =
            with_span_of(event, current.id(), lookup, &self.dispatch, |ids| record(event, ids));
        let sent = self.sender.as_ref().is_some_and(|sender| sender.try_send(record).is_ok());
        if !sent {
            self.feed.panel().store().counters().logs.add_rejected(1);
        }
    }
}

fn record(event: &Event<'_>, ids: Option<&SpanContext>) -> LogRecord {
    let metadata = event.metadata();
    let mut line = Line::default();
    event.record(&mut line);
    line.attributes.push(attribute("code.namespace", metadata.target()));
    LogRecord {
        time_unix_nano: now(),
        severity_number: severity(*metadata.level()),
        severity_text: metadata.level().to_string(),
        body: Some(AnyValue { value: Some(Value::StringValue(line.message)) }),
        attributes: line.attributes,
        flags: ids.map_or(0, |ids| ids.trace_flags().to_u8().into()),
        trace_id: ids.map(|ids| ids.trace_id().to_bytes().into()).unwrap_or_default(),
        span_id: ids.map(|ids| ids.span_id().to_bytes().into()).unwrap_or_default(),
        ..LogRecord::default()
    }
}

/// Severity numbers of OpenTelemetry's data model for logs.
fn severity(level: Level) -> i32 {
    match level {
        Level::TRACE => 1,
        Level::DEBUG => 5,
        Level::INFO => 9,
        Level::WARN => 13,
        Level::ERROR => 17,
    }
}

/// Message and fields of an event.
#[derive(Default)]
struct Line {
    message: String,
    attributes: Vec<KeyValue>,
}

impl Line {
    fn push(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::StringValue(message)) => self.message = message,
            (name, value) => {
                let value = Some(AnyValue { value: Some(value) });
                // Records of the crate `log` have fields with this prefix.
                let key = name.strip_prefix("log.").unwrap_or(name).to_owned();
                self.attributes.push(KeyValue { key, value, ..KeyValue::default() });
            }
        }
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, Value::DoubleValue(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, Value::IntValue(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let value = i64::try_from(value)
            .map_or_else(|_| Value::StringValue(value.to_string()), Value::IntValue);
        self.push(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, Value::BoolValue(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, Value::StringValue(shortened(value).to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        self.push(field, Value::StringValue(shortened(&text).to_owned()));
    }
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}
