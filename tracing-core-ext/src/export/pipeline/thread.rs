//! The thread that exports the batches of one queue.

use std::{io, thread, time::Duration};

use opentelemetry::Context;

use super::worker::{BatchWorker, contained};
use crate::export::queue::{Consumer, Queued, Work};

/// State of an export thread.
pub(super) struct ExportThread<T: Queued, W> {
    pub(super) consumer: Consumer<T>,
    pub(super) worker: W,
    pub(super) shutdown_timeout: Duration,
}

impl<T: Queued, W: BatchWorker<T>> ExportThread<T, W> {
    /// Starts the thread. Linux limits its name to 15 bytes.
    pub(super) fn start(self, name: &'static str) -> io::Result<()> {
        thread::Builder::new().name(name.to_owned()).spawn(move || self.run()).map(drop)
    }

    fn run(mut self) {
        // Suppressed, because spans of the exporter would have to be exported as well.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        loop {
            match self.consumer.next_work() {
                Work::Batch(mut batch) => {
                    let outcome = self.worker.export(batch.items());
                    batch.settle(outcome);
                }
                Work::Flush => drop(contained(|| self.worker.flush())),
                Work::Closed => break,
            }
        }
        let _ = contained(|| self.worker.shutdown(self.shutdown_timeout));
    }
}
