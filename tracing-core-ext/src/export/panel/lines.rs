//! Log lines for the panel.

use std::{
    borrow::Cow,
    fmt, io, iter,
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
use tracing_log::NormalizeEvent;
use tracing_panel::model::now;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::feed::Feed;
use crate::bridge::log_lines::line_span::{LineDispatch, SpanLookup, with_span_of};

/// Maximum number of lines that wait for the thread that stores them.
const MOST_WAITING: usize = 8_192;
/// Maximum number of lines that are stored at once.
const MOST_AT_ONCE: usize = 512;
/// Maximum length of a string in a line, in bytes.
const LONGEST: usize = 8 << 10;

/// Stores events of `tracing` in the panel, on a thread of its own.
pub(super) struct LineLayer {
    feed: Arc<Feed>,
    sender: Option<SyncSender<Line>>,
    dispatch: LineDispatch,
}

impl LineLayer {
    pub(super) fn new(feed: Arc<Feed>) -> Self {
        let sender = start(Arc::clone(&feed));
        Self { feed, sender: sender.ok(), dispatch: LineDispatch::default() }
    }
}

fn start(feed: Arc<Feed>) -> io::Result<SyncSender<Line>> {
    let (sender, lines) = sync_channel(MOST_WAITING);
    let thread = thread::Builder::new().name("panel-lines".to_owned());
    thread.spawn(move || store(&feed, &lines))?;
    Ok(sender)
}

fn store(feed: &Feed, lines: &Receiver<Line>) {
    while let Ok(first) = lines.recv() {
        let mut scope_logs = Vec::new();
        let others = lines.try_iter().take(MOST_AT_ONCE - 1);
        iter::once(first).chain(others).for_each(|line| line.add_to(&mut scope_logs));
        let of_resource =
            ResourceLogs { resource: feed.resource(), scope_logs, schema_url: String::new() };
        let request = ExportLogsServiceRequest { resource_logs: vec![of_resource] };
        feed.panel().intake().add_logs(request);
    }
}

/// Event and the target of its call site.
struct Line {
    target: Cow<'static, str>,
    record: LogRecord,
}

impl Line {
    /// Converts an event. Records of the crate `log` have their target and their level in fields.
    fn new(event: &Event<'_>, ids: Option<&SpanContext>) -> Self {
        let normalized = event.normalized_metadata();
        let target = match &normalized {
            Some(of_log) => Cow::Owned(of_log.target().to_owned()),
            None => Cow::Borrowed(event.metadata().target()),
        };
        let level = *normalized.as_ref().unwrap_or(event.metadata()).level();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let record = LogRecord {
            time_unix_nano: now(),
            severity_number: severity(level),
            severity_text: level.to_string(),
            body: Some(AnyValue { value: Some(Value::StringValue(fields.message)) }),
            attributes: fields.attributes,
            flags: ids.map_or(0, |ids| ids.trace_flags().to_u8().into()),
            trace_id: ids.map(|ids| ids.trace_id().to_bytes().into()).unwrap_or_default(),
            span_id: ids.map(|ids| ids.span_id().to_bytes().into()).unwrap_or_default(),
            ..LogRecord::default()
        };
        Self { target, record }
    }

    /// Adds the line to the last scope if it has the same target, else to a new one.
    fn add_to(self, scopes: &mut Vec<ScopeLogs>) {
        let name = |of: &ScopeLogs| of.scope.as_ref().is_some_and(|it| *it.name == *self.target);
        if let Some(last) = scopes.last_mut().filter(|last| name(last)) {
            return last.log_records.push(self.record);
        }
        let scope = InstrumentationScope { name: self.target.into_owned(), ..Default::default() };
        scopes.push(ScopeLogs {
            scope: Some(scope),
            log_records: vec![self.record],
            schema_url: String::new(),
        });
    }
}

impl<S> Layer<S> for LineLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.dispatch.set(dispatch);
    }

    /// Sends the event to the thread. A line that does not fit into the queue is counted as
    /// refused.
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let current = context.current_span();
        let lookup =
            SpanLookup { exists: |id: &_| context.exists(id), span: |id: &_| context.span(id) };
        let line =
            with_span_of(event, current.id(), lookup, &self.dispatch, |ids| Line::new(event, ids));
        let sent = self.sender.as_ref().is_some_and(|sender| sender.try_send(line).is_ok());
        if !sent {
            self.feed.panel().store().counters().logs.add_rejected(1);
        }
    }
}

/// Returns the severity number of OpenTelemetry's data model for logs.
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
struct Fields {
    message: String,
    attributes: Vec<KeyValue>,
}

impl Fields {
    fn push(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::StringValue(message)) => self.message = message,
            // Target and location of a record of the crate `log`.
            (name, _) if name.starts_with("log.") => {}
            (name, value) => {
                let (key, value) = (name.to_owned(), Some(AnyValue { value: Some(value) }));
                self.attributes.push(KeyValue { key, value, ..KeyValue::default() });
            }
        }
    }
}

impl Visit for Fields {
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

#[cfg(test)]
mod tests {
    use std::thread;

    use tracing_log::log;
    use tracing_panel::{Panel, model::LogRecord};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Returns the records of these events, after they are stored.
    fn stored(count: usize, log: impl FnOnce()) -> Vec<LogRecord> {
        let panel = Panel::mounted();
        let layer = LineLayer::new(Arc::new(Feed::new(panel.clone())));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        loop {
            let read = panel.store().read();
            let mut records: Vec<_> = read.all_logs().map(|record| (**record).clone()).collect();
            drop(read);
            records.reverse();
            if records.len() == count {
                return records;
            }
            thread::yield_now();
        }
    }

    #[test]
    fn fields_have_their_types_and_the_target_is_the_scope() {
        let records = stored(2, || {
            tracing::warn!(target: "shop::stock", item = "tea", left = 0, ratio = 0.5, sold = true, "out of {}", "tea");
            tracing::info!(target: "shop", error = ?Some(7));
        });
        assert_eq!((&*records[0].scope.name, &*records[0].body), ("shop::stock", "out of tea"));
        assert_eq!(records[0].severity.as_str(), "warn");
        let text = |key: &str| records[0].attributes.text(key).unwrap().into_owned();
        assert_eq!(["item", "left", "ratio", "sold"].map(text), ["tea", "0", "0.5", "true"]);
        assert_eq!((&*records[1].scope.name, &*records[1].body), ("shop", ""));
        assert_eq!(records[1].attributes.text("error").unwrap(), "Some(7)");
    }

    #[test]
    fn a_record_of_the_crate_log_has_its_own_target_and_level() {
        let records = stored(1, || {
            let message = format_args!("select {}", 1);
            let mut record = log::Record::builder();
            record.target("sqlx::query").level(log::Level::Warn).line(Some(7)).args(message);
            tracing_log::format_trace(&record.build()).unwrap();
        });
        assert_eq!(
            (&*records[0].scope.name, records[0].severity.as_str()),
            ("sqlx::query", "warn")
        );
        assert_eq!((&*records[0].body, records[0].attributes.len()), ("select 1", 0));
    }
}
