use std::{collections::HashSet, fmt::Write, sync::Arc};

use opentelemetry::{SpanId, Value};
use tracing::Level;

use super::{
    recorded::{
        notes,
        store::{Store, StoredSpan},
    },
    tree::expected::{Expected, IntoExpected},
};
use crate::logs::{LogRecord, LogSeverity, LogValue};

/// Log records, made by [`Recorded::logs`](super::Recorded::logs).
#[derive(Clone, Debug)]
pub struct Logs {
    all: Arc<[LogRecord]>,
    spans: Arc<[StoredSpan]>,
    /// Selected records.
    selected: Vec<usize>,
    /// Conditions of the selection, for messages.
    conditions: String,
}

impl Logs {
    pub(super) fn new(store: &Store) -> Self {
        let state = store.lock();
        let selected = (0..state.logs.len()).collect();
        Self {
            all: state.logs.as_slice().into(),
            spans: state.spans.as_slice().into(),
            selected,
            conditions: String::new(),
        }
    }

    /// Selects the records of the spans of this name, and of spans below them. Spans must have ended.
    #[must_use = "nothing is compared yet"]
    pub fn within(self, span: &str) -> Self {
        let mut ids: HashSet<SpanId> = HashSet::new();
        ids.extend(self.spans.iter().filter(|it| it.data.name == span).map(StoredSpan::id));
        let is_below = |ids: &HashSet<_>, it: &StoredSpan| ids.contains(&it.data.parent_span_id);
        loop {
            let below = self.spans.iter().filter(|it| is_below(&ids, it)).map(StoredSpan::id);
            let below: Vec<_> = below.filter(|id| !ids.contains(id)).collect();
            if below.is_empty() {
                break;
            }
            ids.extend(below);
        }
        let condition = format!("within {span:?}");
        self.select(&condition, |record| record.span_id().is_some_and(|id| ids.contains(&id)))
    }

    /// Selects the records with this attribute. The type of the value is compared.
    #[must_use = "nothing is compared yet"]
    pub fn with(self, key: &str, value: impl IntoExpected) -> Self {
        let expected: Expected = value.into_expected();
        let condition = format!("with {key}={expected}");
        self.select(&condition, |record| {
            record.attribute(key).is_some_and(|found| expected.is_met_by(&to_value(found)))
        })
    }

    /// Expects a record of this level whose message contains `text`.
    ///
    /// # Panics
    ///
    /// If there is none among the selected records.
    #[track_caller]
    pub fn has(self, level: Level, text: &str) -> Self {
        let found = self.records().any(|it| is_match(it, level, text));
        assert!(found, "expected a record {level} {text:?}{}", self.report());
        self
    }

    /// Expects no record of this level whose message contains `text`.
    ///
    /// # Panics
    ///
    /// If there is one among the selected records.
    #[track_caller]
    pub fn has_no(self, level: Level, text: &str) -> Self {
        let found = self.records().any(|it| is_match(it, level, text));
        assert!(!found, "expected no record {level} {text:?}{}", self.report());
        self
    }

    /// Compares the number of the selected records.
    ///
    /// # Panics
    ///
    /// If the number differs.
    #[track_caller]
    pub fn count(self, expected: usize) -> Self {
        let found = self.selected.len();
        assert!(found == expected, "expected {expected} records, found {found}{}", self.report());
        self
    }

    /// Returns the selected records, in the order in which they arrived.
    pub fn records(&self) -> impl Iterator<Item = &LogRecord> {
        self.selected.iter().map(|index| &self.all[*index])
    }

    fn select(mut self, condition: &str, is_selected: impl Fn(&LogRecord) -> bool) -> Self {
        let all = Arc::clone(&self.all);
        self.selected.retain(|index| is_selected(&all[*index]));
        let _ = write!(self.conditions, " {condition}");
        self
    }

    /// Returns all records, of which the selected ones are marked.
    fn report(&self) -> String {
        let mut report = format!("{}\n", self.conditions);
        for (index, record) in self.all.iter().enumerate() {
            let mark = if self.selected.contains(&index) { ">" } else { " " };
            let of_span = |span: &&StoredSpan| Some(span.id()) == record.span_id();
            let span = self.spans.iter().find(of_span).map(|span| &*span.data.name);
            let (level, body) = (record.severity().text(), record.body().unwrap_or_default());
            let span = span.map(|name| format!("  within {name:?}")).unwrap_or_default();
            let _ = writeln!(report, "{mark} {level:>5} {body:?}{span}");
        }
        if self.all.is_empty() {
            report.push_str("  no records have arrived\n");
        }
        report + &notes::about_missing()
    }
}

fn is_match(record: &LogRecord, level: Level, text: &str) -> bool {
    let body = record.body().unwrap_or_default();
    record.severity() == severity(level) && body.contains(text)
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

fn to_value(value: LogValue<'_>) -> Value {
    match value {
        LogValue::Int(number) => Value::I64(number),
        LogValue::Float(number) => Value::F64(number),
        LogValue::Bool(value) => Value::Bool(value),
        LogValue::Text(text) => Value::String(text.to_owned().into()),
    }
}
