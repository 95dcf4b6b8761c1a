//! Options of OTLP.

use super::TelemetryBuilder;
use crate::export::otlp::Otlp;

impl TelemetryBuilder {
    /// Exports over OTLP as these options say; metrics as well, where they are exported.
    ///
    /// Every call adds an exporter of spans; for metrics the last one counts.
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.metrics.set_otlp(otlp.clone());
        self.exporters.push(Box::new(otlp));
        self
    }

    /// Exports over OTLP to the collector at this URL. Beats `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    ///
    /// By `OTEL_EXPORTER_OTLP_PROTOCOL`, over HTTP as protobuf where it says nothing. Over HTTP `/v1/traces` is appended.
    /// [`otlp`](Self::otlp) has more options.
    pub fn otlp_endpoint(self, url: impl Into<String>) -> Self {
        self.otlp(Otlp::at("otlp_endpoint()", url.into()))
    }

    /// Exports metrics over OTLP as `OTEL_METRICS_EXPORTER=otlp` does: by the options of [`otlp`](Self::otlp) and
    /// [`otlp_endpoint`](Self::otlp_endpoint), else as the environment says, else to `http://localhost:4318`. Prometheus may
    /// scrape them as well.
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
