use std::fmt;

use opentelemetry_prometheus::PrometheusExporter;
use opentelemetry_sdk::error::OTelSdkError;
use prometheus::proto::MetricFamily;

/// What OpenTelemetry's meters have recorded, in a registry of its own: it describes none of its metrics, so no registry
/// can tell that they clash with others.
#[derive(Default)]
pub(super) struct OtelRegistry(prometheus::Registry);

impl OtelRegistry {
    pub(super) fn new() -> Result<(Self, PrometheusExporter), OTelSdkError> {
        let registry = prometheus::Registry::new();
        let exporter =
            opentelemetry_prometheus::exporter().with_registry(registry.clone()).build()?;
        Ok((Self(registry), exporter))
    }

    pub(super) fn collect(&self) -> Vec<MetricFamily> {
        self.0.gather()
    }
}

impl fmt::Debug for OtelRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtelRegistry(..)")
    }
}
