//! Options of Jaeger.

use super::TelemetryBuilder;
use crate::export::jaeger::{Jaeger, JaegerEndpoint};

impl TelemetryBuilder {
    /// Exports to Jaeger: to an agent over UDP, or to a collector over HTTP. Takes precedence over
    /// `OTEL_EXPORTER_JAEGER_AGENT_HOST` and `OTEL_EXPORTER_JAEGER_ENDPOINT`.
    ///
    /// The encoder is the crate `opentelemetry-jaeger`, which is unmaintained
    /// ([RUSTSEC-2025-0123](https://rustsec.org/advisories/RUSTSEC-2025-0123)). Prefer OTLP, which
    /// Jaeger receives since version 1.35.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::{JaegerEndpoint, Telemetry};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .jaeger(JaegerEndpoint::agent("localhost:6831")?)
    ///     .build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn jaeger(mut self, endpoint: JaegerEndpoint) -> Self {
        self.exporters.push(Box::new(Jaeger(Some(endpoint))));
        self
    }
}
