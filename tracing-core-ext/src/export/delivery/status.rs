//! State of the telemetry of a running service.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use serde::Serialize;

use super::state::ExportState;
use crate::config::control::Control;

/// Settings in effect, findings of the set-up, and deliveries of each exporter, from
/// [`Telemetry::status`](crate::telemetry::Telemetry::status). It is a part of `/info`, as JSON.
///
/// ```
/// use tracing_core_ext::telemetry::Telemetry;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (telemetry, _subscriber) = Telemetry::builder()
///     .variables(|_| None)
///     .service_name("checkout")
///     .otlp_endpoint("http://localhost:4318")
///     .build()?;
/// let status = telemetry.status();
///
/// assert_eq!(status.settings["OTEL_SERVICE_NAME"], "checkout");
/// assert_eq!(status.settings["OTEL_PROPAGATORS"], "baggage,traceparent,tracestate");
/// assert_eq!(status.diagnostics, [""; 0]);
/// assert_eq!(status.exporters[0].destination, "http://localhost:4318/v1/traces");
/// assert_eq!(status.exporters[0].lost, 0);
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Settings by the names of their environment variables, whether code, a variable or the default sets them. Secrets are
    /// masked.
    pub settings: BTreeMap<&'static str, String>,
    /// Attributes of the resource.
    pub resource: BTreeMap<String, String>,
    /// Findings of the diagnostics at start-up, as they were logged.
    pub diagnostics: Vec<String>,
    /// State of each exporter that sends telemetry.
    pub exporters: Vec<ExporterStatus>,
}

/// State of one exporter. At every moment `offered` is the sum of `delivered`, `lost`, `removed` and `waiting`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExporterStatus {
    /// `spans`, `metrics` or `log records`.
    pub signal: &'static str,
    /// URL or name of the backend, without credentials.
    pub destination: String,
    /// Options in effect. Values of headers are masked.
    pub options: BTreeMap<&'static str, String>,
    /// Number of items that were offered to the exporter. An item is a span, a log record or an export of metrics.
    pub offered: u64,
    /// Number of items that the backend has accepted.
    pub delivered: u64,
    /// Number of items that were lost, for any reason.
    pub lost: u64,
    /// Number of items that `before_export` has removed.
    pub removed: u64,
    /// Number of items that wait for their export.
    pub waiting: u64,
    /// Size in memory of the waiting items, in bytes.
    pub waiting_bytes: u64,
    /// Reason of the last loss.
    pub last_error: Option<String>,
}

/// Parts of the state that do not change after the set-up, and the exporters.
#[derive(Debug)]
pub(crate) struct StatusSource {
    control: Control,
    set_up: SetUp,
    diagnostics: OnceLock<Vec<String>>,
}

/// Values that are known when the exporters have started.
#[derive(Debug, Default)]
pub(crate) struct SetUp {
    pub(crate) settings: BTreeMap<&'static str, String>,
    pub(crate) resource: BTreeMap<String, String>,
    pub(crate) exporters: Vec<Arc<ExportState>>,
}

impl StatusSource {
    pub(crate) fn new(control: Control, set_up: SetUp) -> Self {
        Self { control, set_up, diagnostics: OnceLock::new() }
    }

    pub(crate) fn set_diagnostics(&self, diagnostics: Vec<String>) {
        let _ = self.diagnostics.set(diagnostics);
    }

    pub(crate) fn status(&self) -> Status {
        let mut settings = self.set_up.settings.clone();
        settings.extend(self.control.settings());
        Status {
            settings,
            resource: self.set_up.resource.clone(),
            diagnostics: self.diagnostics.get().cloned().unwrap_or_default(),
            exporters: self.set_up.exporters.iter().map(|state| state.status()).collect(),
        }
    }
}

impl ExportState {
    fn status(&self) -> ExporterStatus {
        let counted = self.counts().snapshot();
        ExporterStatus {
            signal: self.signal().plural(),
            destination: self.destination().to_owned(),
            options: self.options(),
            offered: counted.offered(),
            lost: counted.lost(),
            delivered: counted.delivered,
            removed: counted.removed,
            waiting: counted.waiting,
            waiting_bytes: counted.waiting_bytes,
            last_error: counted.last_error,
        }
    }
}
