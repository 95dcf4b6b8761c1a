//! Path of log records to one exporter.

use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::Resource;

use super::{
    Pipeline,
    context::PipelineContext,
    hook::{self, LogHook},
    worker::{BatchWorker, contained},
};
use crate::{
    base::error::TelemetryError,
    export::{
        delivery::{ExportState, Outcome},
        queue::Queued,
    },
    logs::{LogProcessor, LogRecord},
};

/// Time between two exports to a backend: OpenTelemetry environment variable specification,
/// `OTEL_BLRP_SCHEDULE_DELAY`.
pub(crate) const LOG_EXPORT_DELAY: Duration = Duration::from_secs(1);

/// Queue of one exporter of log records.
pub(crate) type LogPipeline = Pipeline<Box<LogRecord>>;

/// Options of an exporter of log records.
pub(crate) trait LogExporterOptions: Send {
    /// Builds the exporter and starts its pipeline.
    fn start(self: Box<Self>, context: &PipelineContext<'_>)
    -> Result<LogPipeline, TelemetryError>;
}

/// Exporter of batches of log records. Only one thread calls it. A panic loses only the present
/// batch.
pub(crate) trait LogExporter: Send + 'static {
    fn export(&mut self, records: &[&LogRecord]) -> Outcome;

    /// Sets the resource, before the first export.
    fn set_resource(&mut self, resource: &Resource);
}

impl Queued for Box<LogRecord> {
    fn size_bytes(&self) -> usize {
        LogRecord::size_bytes(self)
    }
}

impl LogProcessor for LogPipeline {
    fn on_emit(&self, record: LogRecord) {
        // A refused record is counted by the queue.
        let _ = self.queue.offer(Box::new(record));
    }
}

impl PipelineContext<'_> {
    /// Creates the state of an exporter of log records.
    pub(crate) fn log_state(
        &self,
        destination: String,
        exporter_type: &'static str,
    ) -> Arc<ExportState> {
        Arc::new(ExportState::for_logs(destination, exporter_type, &self.config.logs.batch))
    }

    /// Starts the pipeline of an exporter of log records.
    pub(crate) fn log_pipeline(
        &self,
        mut exporter: impl LogExporter,
        state: Arc<ExportState>,
        default_delay: Duration,
    ) -> Result<LogPipeline, TelemetryError> {
        exporter.set_resource(self.resource);
        let worker = LogWorker { exporter, hook: self.log_hook.cloned() };
        let batch = (&self.config.logs.batch, default_delay);
        LogPipeline::spawn("otel-logs", worker, state, batch, self.shutdown_timeout)
    }
}

struct LogWorker<E> {
    exporter: E,
    hook: Option<LogHook>,
}

impl<E: LogExporter> BatchWorker<Box<LogRecord>> for LogWorker<E> {
    fn export(&mut self, records: &mut Vec<Box<LogRecord>>) -> Outcome {
        let (exported, others) = match &self.hook {
            None => (records.iter().map(|record| &**record).collect(), Outcome::default()),
            Some(hook) => hook::apply_to_logs(hook, records),
        };
        if exported.is_empty() {
            return others;
        }
        let (exporter, count) = (&mut self.exporter, exported.len() as u64);
        let outcome = contained(|| exporter.export(&exported)).unwrap_or_else(Outcome::failed);
        outcome.of_items(count).and(others)
    }

    fn flush(&mut self) {}

    fn shutdown(&mut self, _: Duration) {}
}
