use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{
        InstrumentKind, ManualReader, Pipeline, Temporality, data::ResourceMetrics,
        reader::MetricReader,
    },
};
use prometheus::proto::{MetricFamily, MetricType};

use super::otel_family;
use crate::export::prometheus::format::{
    family::{Labels, TARGET_INFO, family, metric},
    labels,
};

/// Metrics of OpenTelemetry's meters, as families of Prometheus.
#[derive(Default)]
pub(crate) struct OtelRegistry {
    reader: ScrapeReader,
    target: Option<MetricFamily>,
}

/// Reader that collects when a scrape requires it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScrapeReader(Arc<SharedReader>);

#[derive(Debug, Default)]
struct SharedReader {
    reader: ManualReader,
    is_registered: AtomicBool,
}

impl OtelRegistry {
    pub(crate) fn new(resource: &Resource) -> Self {
        let target = (!resource.is_empty()).then(|| target_info(resource));
        Self { reader: ScrapeReader::default(), target }
    }

    /// Returns the reader that a meter provider requires.
    pub(crate) fn reader(&self) -> ScrapeReader {
        self.reader.clone()
    }

    /// Collects all metrics. Those of one instrument are sorted by their labels.
    ///
    /// # Errors
    ///
    /// If the meters were shut down, or if a callback of an instrument has panicked inside the SDK,
    /// which then collects no further metrics.
    pub(crate) fn collect(&self) -> Result<Vec<MetricFamily>, String> {
        let mut metrics = ResourceMetrics::default();
        if self.reader.0.is_registered.load(Ordering::Acquire) {
            self.reader.collect(&mut metrics).map_err(|error| error.to_string())?;
        }
        let mut families: Vec<_> = self.target.iter().cloned().collect();
        let mut scopes: Vec<_> = metrics.scope_metrics().collect();
        scopes.sort_by_cached_key(|metrics| labels::of_scope(metrics.scope()));
        for metrics in scopes {
            let scope = labels::of_scope(metrics.scope());
            families.extend(metrics.metrics().filter_map(|it| otel_family::from_otel(it, &scope)));
        }
        Ok(families)
    }
}

/// Returns the family of the resource: OpenTelemetry, "Prometheus and OpenMetrics Compatibility",
/// "Resource Attributes".
fn target_info(resource: &Resource) -> MetricFamily {
    let attributes = resource.iter().map(|(key, value)| (key.as_str(), value.to_string()));
    let mut target = metric(labels::of_series(attributes, &Labels::new()));
    let mut one = prometheus::proto::Gauge::default();
    one.set_value(1.0);
    target.set_gauge(one);
    family(MetricType::GAUGE, TARGET_INFO, "Target metadata", vec![target])
}

impl MetricReader for ScrapeReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.reader.register_pipeline(pipeline);
        self.0.is_registered.store(true, Ordering::Release);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.reader.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.reader.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.reader.shutdown_with_timeout(timeout)
    }

    /// Prometheus supports only cumulative temporality.
    fn temporality(&self, _: InstrumentKind) -> Temporality {
        Temporality::Cumulative
    }
}

impl fmt::Debug for OtelRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtelRegistry(..)")
    }
}
