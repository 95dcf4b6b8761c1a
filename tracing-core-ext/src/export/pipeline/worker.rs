//! Export of the batches of one signal.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use super::{
    exporter::BatchExporter,
    hook::{self, SpanHook},
};
use crate::{
    base::panic_message,
    export::delivery::Outcome,
    trace::{self, PooledRecord},
};

/// Exports the batches of one queue, on the export thread. A panic loses only the present batch.
pub(crate) trait BatchWorker<T>: Send + 'static {
    fn export(&mut self, items: &mut Vec<T>) -> Outcome;

    fn flush(&mut self);

    fn shutdown(&mut self, timeout: Duration);
}

/// Exports spans.
pub(super) struct SpanWorker {
    pub(super) exporter: Box<dyn BatchExporter>,
    pub(super) hook: Option<SpanHook>,
}

impl BatchWorker<PooledRecord> for SpanWorker {
    fn export(&mut self, records: &mut Vec<PooledRecord>) -> Outcome {
        let exporter = &mut *self.exporter;
        let outcome = match &self.hook {
            None => contained(|| exporter.export_records(records)).unwrap_or_else(Outcome::failed),
            Some(hook) => export_remaining(records, exporter, hook),
        };
        trace::recycle(records);
        outcome
    }

    fn flush(&mut self) {
        self.exporter.flush();
    }

    fn shutdown(&mut self, timeout: Duration) {
        self.exporter.shutdown(timeout);
    }
}

fn export_remaining(
    records: &mut [PooledRecord],
    exporter: &mut dyn BatchExporter,
    hook: &SpanHook,
) -> Outcome {
    let (spans, others) = hook::apply(hook, records);
    if spans.is_empty() {
        return others;
    }
    let exported = spans.len() as u64;
    let outcome = contained(|| exporter.export_spans(spans)).unwrap_or_else(Outcome::failed);
    outcome.of_items(exported).and(others)
}

/// Catches a panic of the exporter, which would end the thread and every later export.
pub(super) fn contained<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = panic_message(&*panic).map_or(String::new(), |text| format!(": {text}"));
        format!("the exporter panicked{message}")
    })
}
