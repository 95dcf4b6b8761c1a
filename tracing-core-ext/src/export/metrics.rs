//! Readers of the metrics: exporters and scrape endpoints.

use std::{
    any::Any,
    fmt::Debug,
    sync::{Arc, atomic::AtomicU64},
};

use opentelemetry_sdk::{Resource, metrics::MeterProviderBuilder};
use tracing::Dispatch;

use super::delivery::{ExportLoss, ExportState, ShutdownTask, StatusSource};
use crate::{
    base::error::TelemetryError,
    config::{Config, control::Control},
};

/// Settings that all readers of a service share.
pub(crate) struct MetricsContext<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) config: &'a Config,
    /// Names of all readers.
    pub(crate) exporters: Vec<&'static str>,
}

/// Options of a reader.
pub(crate) trait MetricsOptions: Debug + Send {
    /// Returns the name that `OTEL_METRICS_EXPORTER` has for it.
    fn name(&self) -> &'static str;

    /// Adds the reader to the meter provider.
    fn attach(
        self: Box<Self>,
        meters: MeterProviderBuilder,
        context: &MetricsContext<'_>,
    ) -> Result<(MeterProviderBuilder, Box<dyn MetricsOutput>), TelemetryError>;

    /// Whether the reader is useful without metrics, as a health endpoint is.
    fn is_useful_when_disabled(&self) -> bool {
        false
    }
}

/// A running reader of the metrics.
pub(crate) trait MetricsOutput: Any + Debug + Send + Sync {
    /// Starts to serve requests, when the meter provider exists.
    fn start(&mut self) -> Result<(), TelemetryError> {
        Ok(())
    }

    /// Returns the counter of panics of observable callbacks.
    fn callback_panics(&self) -> Option<Arc<AtomicU64>> {
        None
    }

    /// Registers its state for the middlewares of the process.
    fn install(&self) {}

    /// Sets the subscriber that receives the log lines.
    fn log_to(&self, _dispatch: &Dispatch) {}

    /// Provides the settings that the reader changes, and the state that it shows.
    fn set_control(&self, _control: &Control, _status: &Arc<StatusSource>) {}

    /// Returns the state of the exporter, if the reader sends metrics.
    fn state(&self) -> Option<Arc<ExportState>> {
        None
    }

    /// Reports that the service is draining.
    fn start_draining(&self) {}

    /// Ends all waits. The export that follows is the last one.
    fn close(&self) {}

    /// Returns a function that records the error of the last export.
    fn failures(&self) -> Option<FailureFn> {
        None
    }

    /// Returns the task that shuts the reader down.
    fn shutdown_task(&mut self) -> Option<ShutdownTask> {
        None
    }

    fn loss(&self) -> Option<ExportLoss> {
        None
    }
}

/// Function that records the error of an export.
pub(crate) type FailureFn = Box<dyn Fn(&str) + Send>;
