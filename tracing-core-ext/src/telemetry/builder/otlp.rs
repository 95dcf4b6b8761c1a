//! Options of OTLP.

use super::TelemetryBuilder;
use crate::{
    config::{env::exporters::SelectedExporter, logs::LogsExporter},
    export::otlp::Otlp,
};

impl TelemetryBuilder {
    /// Exports spans over OTLP with these options, and metrics and log records as well if their export
    /// is enabled.
    ///
    /// Every call adds an exporter of spans. For metrics and log records the last call applies.
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.metrics.set_otlp(otlp.clone());
        self.log_records.otlp = Some(Box::new(otlp.clone()));
        self.exporters.push(Box::new(otlp));
        self
    }

    /// Exports over OTLP to the collector at this URL. Takes precedence over
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and `OTEL_EXPORTER_OTLP_ENDPOINT`.
    ///
    /// `OTEL_EXPORTER_OTLP_PROTOCOL` sets the protocol; the default is HTTP with protobuf. Over
    /// HTTP `/v1/traces` is appended. [`otlp`](Self::otlp) has more options.
    pub fn otlp_endpoint(self, url: impl Into<String>) -> Self {
        self.otlp(Otlp::at("otlp_endpoint()", url.into()))
    }

    /// Exports log records over OTLP as `OTEL_LOGS_EXPORTER=otlp` does: with the options of
    /// [`otlp`](Self::otlp) and [`otlp_endpoint`](Self::otlp_endpoint), or else with those of the
    /// environment, or else to `http://localhost:4318`. Log lines are printed as well.
    ///
    /// Each record has the ids of its event's own span.
    /// [`log_export_filter`](Self::log_export_filter) selects the records.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .otlp_endpoint("http://localhost:4318")
    ///     .otlp_logs()
    ///     .build()?;
    /// # drop(telemetry);
    /// # Ok(())
    /// # }
    /// ```
    pub fn otlp_logs(mut self) -> Self {
        self.log_records.selected.push(SelectedExporter::new(LogsExporter::Otlp, "otlp_logs()"));
        self
    }

    /// Exports metrics over OTLP as `OTEL_METRICS_EXPORTER=otlp` does: with the options of
    /// [`otlp`](Self::otlp) and [`otlp_endpoint`](Self::otlp_endpoint), or else with those of the
    /// environment, or else to `http://localhost:4318`. Prometheus may scrape them as well.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .otlp_endpoint("http://localhost:4318")
    ///     .otlp_metrics()
    ///     .build()?;
    /// assert!(telemetry.meter_provider().is_some());
    /// # drop(telemetry);
    /// # Ok(())
    /// # }
    /// ```
    pub fn otlp_metrics(mut self) -> Self {
        self.metrics.select_otlp();
        self
    }
}
