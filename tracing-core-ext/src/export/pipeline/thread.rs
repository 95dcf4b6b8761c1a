//! The thread that exports the batches of one queue.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use opentelemetry::Context;

use super::{
    exporter::BatchExporter,
    hook::{self, SpanHook},
};
use crate::{
    base::panic_message,
    export::{
        delivery::Outcome,
        queue::{Batch, Consumer, Work},
    },
    trace::{self, PooledRecord},
};

/// Name of the export thread. Linux limits it to 15 bytes.
const THREAD_NAME: &str = "otel-spans";

/// State of an export thread.
pub(super) struct ExportThread {
    pub(super) consumer: Consumer<PooledRecord>,
    pub(super) exporter: Box<dyn BatchExporter>,
    pub(super) hook: Option<SpanHook>,
    pub(super) shutdown_timeout: Duration,
}

impl ExportThread {
    pub(super) fn start(self) -> io::Result<()> {
        let thread = thread::Builder::new().name(THREAD_NAME.to_owned());
        thread.spawn(move || self.run()).map(drop)
    }

    fn run(mut self) {
        // Suppressed, because spans of the exporter would have to be exported as well.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        loop {
            match self.consumer.next_work() {
                Work::Batch(batch) => {
                    export_batch(batch, &mut *self.exporter, self.hook.as_ref());
                }
                Work::Flush => drop(contained(|| self.exporter.flush())),
                Work::Closed => break,
            }
        }
        let _ = contained(|| self.exporter.shutdown(self.shutdown_timeout));
    }
}

fn export_batch(
    mut batch: Batch<'_, PooledRecord>,
    exporter: &mut dyn BatchExporter,
    hook: Option<&SpanHook>,
) {
    let records = batch.items();
    let outcome = match hook {
        None => contained(|| exporter.export_records(records)).unwrap_or_else(Outcome::failed),
        Some(hook) => export_remaining(records, exporter, hook),
    };
    trace::recycle(batch.items());
    batch.settle(outcome);
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
fn contained<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = panic_message(&*panic).map_or(String::new(), |text| format!(": {text}"));
        format!("the exporter panicked{message}")
    })
}
