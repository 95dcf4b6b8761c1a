//! Hook of `TelemetryBuilder::before_export`, which processes each span before its export.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use opentelemetry_sdk::trace::SpanData;

use crate::{base::panic_message, export::delivery::Outcome, trace::PooledRecord};

/// Reads or changes a span. If it returns false, the span is not exported.
pub(crate) type SpanHook = Arc<dyn Fn(&mut SpanData) -> bool + Send + Sync>;

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
