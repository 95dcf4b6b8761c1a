//! Path of ended spans or log records to one exporter: a bounded queue, and the thread that exports its batches.

pub(crate) mod context;
pub(crate) mod exporter;
pub(crate) mod hook;
pub(crate) mod logs;
#[cfg(test)]
mod tests;
mod thread;
mod worker;

use std::{fmt, sync::Arc, time::Duration};

use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
};

use self::{
    exporter::BatchExporter,
    hook::SpanHook,
    thread::ExportThread,
    worker::{BatchWorker, SpanWorker},
};
use super::{
    delivery::ExportState,
    queue::{BatchLimits, Queue, Queued, queue},
};
use crate::{
    base::error::TelemetryError,
    config::batch::{BatchConfig, MIN_DELAY},
    trace::{self, PooledRecord, RecordProcessor, SpanRecord},
};

/// Largest size in memory of the items in one batch. Exporters limit the size of their requests
/// themselves.
const MAX_BATCH_BYTES: usize = 8 << 20;

/// Time limit of a flush, as in the SDK.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Queue of one exporter. Its clones share it.
pub(crate) struct Pipeline<T: Queued = PooledRecord> {
    queue: Arc<Queue<T>>,
    state: Arc<ExportState>,
}

/// Settings that all pipelines of a service share.
#[derive(Clone, Copy)]
pub(crate) struct PipelineOptions<'a> {
    pub(crate) batch: &'a BatchConfig,
    pub(crate) resource: &'a Resource,
    pub(crate) hook: Option<&'a SpanHook>,
    pub(crate) shutdown_timeout: Duration,
}

impl Queued for PooledRecord {
    fn size_bytes(&self) -> usize {
        SpanRecord::size_bytes(self)
    }
}

impl Pipeline {
    /// Starts the export thread.
    pub(crate) fn start(
        mut exporter: impl BatchExporter,
        state: Arc<ExportState>,
        default_delay: Duration,
        options: PipelineOptions<'_>,
    ) -> Result<Self, TelemetryError> {
        let PipelineOptions { batch, resource, hook, shutdown_timeout } = options;
        exporter.set_resource(resource);
        let worker = SpanWorker { exporter: Box::new(exporter), hook: hook.cloned() };
        Self::spawn("otel-spans", worker, state, (batch, default_delay), shutdown_timeout)
    }
}

impl<T: Queued> Pipeline<T> {
    /// Starts the thread `name`, which exports batches. The delay applies if `batch` has none.
    fn spawn(
        name: &'static str,
        worker: impl BatchWorker<T>,
        state: Arc<ExportState>,
        (batch, default_delay): (&BatchConfig, Duration),
        shutdown_timeout: Duration,
    ) -> Result<Self, TelemetryError> {
        let limits = BatchLimits {
            max_items: batch.size,
            max_bytes: MAX_BATCH_BYTES,
            delay: batch.delay.unwrap_or(default_delay).max(MIN_DELAY),
        };
        let (queue, consumer) = queue(Arc::clone(state.counts()), limits);
        let thread = ExportThread { consumer, worker, shutdown_timeout };
        thread.start(name).map_err(TelemetryError::exporter)?;
        Ok(Self { queue, state })
    }

    pub(crate) fn state(&self) -> &Arc<ExportState> {
        &self.state
    }

    /// Refuses later items, and makes the thread export the waiting ones and end. No export waits
    /// for another attempt any more.
    pub(crate) fn close(&self) {
        self.state.closing().trigger();
        self.queue.close();
    }

    /// Waits until the items that were offered before are exported.
    pub(crate) fn flush(&self) -> OTelSdkResult {
        match self.queue.flush(FLUSH_TIMEOUT) {
            true => Ok(()),
            false => Err(OTelSdkError::Timeout(FLUSH_TIMEOUT)),
        }
    }

    /// Closes the pipeline and waits for the end of its thread.
    pub(crate) fn close_within(&self, timeout: Duration) -> OTelSdkResult {
        self.close();
        match self.queue.join(timeout) {
            true => Ok(()),
            false => Err(OTelSdkError::Timeout(timeout)),
        }
    }
}

impl<T: Queued> Clone for Pipeline<T> {
    fn clone(&self) -> Self {
        Self { queue: Arc::clone(&self.queue), state: Arc::clone(&self.state) }
    }
}

impl RecordProcessor for Pipeline {
    fn on_end(&self, record: PooledRecord) {
        if !record.identity.is_sampled() {
            return trace::recycle_one(record);
        }
        if let Err(refused) = self.queue.offer(record) {
            trace::recycle_one(refused);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush()
    }

    fn shutdown(&self, timeout: Duration) -> OTelSdkResult {
        self.close_within(timeout)
    }
}

impl<T: Queued> fmt::Debug for Pipeline<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("state", &self.state).finish_non_exhaustive()
    }
}
