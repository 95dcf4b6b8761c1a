//! Hooks of `TelemetryBuilder::before_export` and `before_log_export`, which process each span and
//! each log record before its export.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use opentelemetry_sdk::trace::SpanData;

use crate::{base::panic_message, export::delivery::Outcome, logs::LogRecord, trace::PooledRecord};

/// Reads or changes a span. If it returns false, the span is not exported.
pub(crate) type SpanHook = Arc<dyn Fn(&mut SpanData) -> bool + Send + Sync>;

/// Reads or changes a log record. If it returns false, the record is not exported.
pub(crate) type LogHook = Arc<dyn Fn(&mut LogRecord) -> bool + Send + Sync>;

/// Returns the spans to export, and the result for the others.
pub(super) fn apply(hook: &SpanHook, records: &mut [PooledRecord]) -> (Vec<SpanData>, Outcome) {
    let mut others = Outcome::default();
    let mut spans = Vec::with_capacity(records.len());
    for record in records {
        let mut span = record.take_span_data();
        match catch_unwind(AssertUnwindSafe(|| hook(&mut span))) {
            Ok(true) => spans.push(span),
            Ok(false) => others.removed += 1,
            // Dropped, because the span may still contain data that the hook removes.
            Err(panic) => {
                let message = panic_message(&*panic).unwrap_or("no message");
                others.failed += 1;
                others.reason =
                    Some(format!("the function in before_export() panicked: {message}"));
            }
        }
    }
    (spans, others)
}

/// Returns the records to export, and the result for the others.
pub(super) fn apply_to_logs<'a>(
    hook: &LogHook,
    records: &'a mut [Box<LogRecord>],
) -> (Vec<&'a LogRecord>, Outcome) {
    let mut others = Outcome::default();
    let mut exported = Vec::with_capacity(records.len());
    for record in records {
        match catch_unwind(AssertUnwindSafe(|| hook(record))) {
            Ok(true) => exported.push(&**record),
            Ok(false) => others.removed += 1,
            // Dropped, because the record may still contain data that the hook removes.
            Err(panic) => {
                let message = panic_message(&*panic).unwrap_or("no message");
                let reason = format!("the function in before_log_export() panicked: {message}");
                others.failed += 1;
                others.reason = Some(reason);
            }
        }
    }
    (exported, others)
}
