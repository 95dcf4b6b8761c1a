//! Export of metrics.

use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;

use super::{
    env::{Env, words::Words},
    otlp::{METRICS, OtlpConfig},
};
use crate::base::error::TelemetryError;

pub(crate) const HISTOGRAMS: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";

/// Time between two exports.
const INTERVAL: Duration = Duration::from_secs(60);

/// Time limit of one export with all its attempts.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Exporters of metrics, and their settings.
#[derive(Debug)]
pub(crate) struct MetricsConfig {
    pub(crate) exporters: Vec<MetricsExporter>,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) temporality: Temporality,
    pub(crate) histograms: HistogramAggregation,
    pub(crate) otlp: OtlpConfig,
    pub(crate) listener: ListenerConfig,
}

/// Exporter in `OTEL_METRICS_EXPORTER`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MetricsExporter {
    Prometheus,
    Otlp,
}

impl MetricsExporter {
    /// Returns the name of the exporter.
    pub(crate) fn as_str(self) -> &'static str {
        EXPORTERS.name(Some(self))
    }
}

/// Address of the Prometheus listener.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ListenerConfig {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Aggregation of histograms that are exported over OTLP.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum HistogramAggregation {
    /// Buckets of the instrument, or else those of the specification.
    Explicit,
    /// Buckets whose bounds are powers of one base, which depends on the values.
    Exponential,
}

const EXPORTERS: Words<Option<MetricsExporter>> = Words {
    known: &[
        ("prometheus", Some(MetricsExporter::Prometheus)),
        ("otlp", Some(MetricsExporter::Otlp)),
        ("none", None),
    ],
    unsupported: &["console", "logging", "otlp/stdout"],
};

const TEMPORALITIES: Words<Temporality> = Words {
    known: &[
        ("cumulative", Temporality::Cumulative),
        ("delta", Temporality::Delta),
        ("lowmemory", Temporality::LowMemory),
    ],
    unsupported: &[],
};

const AGGREGATIONS: Words<HistogramAggregation> = Words {
    known: &[
        ("explicit_bucket_histogram", HistogramAggregation::Explicit),
        ("base2_exponential_bucket_histogram", HistogramAggregation::Exponential),
    ],
    unsupported: &[],
};

impl Default for ListenerConfig {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 9464 }
    }
}

impl Env {
    pub(super) fn metrics(&self) -> Result<MetricsConfig, TelemetryError> {
        const TEMPORALITY: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        let exporters = self.exporters("OTEL_METRICS_EXPORTER", &EXPORTERS)?;
        let interval = self.milliseconds(["OTEL_METRIC_EXPORT_INTERVAL"], 1)?;
        let timeout = self.timeout(["OTEL_METRIC_EXPORT_TIMEOUT"])?;
        let histograms = self.choice([HISTOGRAMS], &AGGREGATIONS)?;
        Ok(MetricsConfig {
            exporters: exporters.unwrap_or_default(),
            interval: interval.unwrap_or(INTERVAL),
            timeout: timeout.unwrap_or(TIMEOUT),
            temporality: self.choice([TEMPORALITY], &TEMPORALITIES)?.unwrap_or_default(),
            histograms: histograms.unwrap_or(HistogramAggregation::Explicit),
            otlp: self.otlp(&METRICS)?,
            listener: self.listener()?,
        })
    }

    fn listener(&self) -> Result<ListenerConfig, TelemetryError> {
        const EXPECTED: &str = "a port from 1 to 65535, or 0 for any";
        let default = ListenerConfig::default();
        let host = self.text("OTEL_EXPORTER_PROMETHEUS_HOST")?;
        let port = self.port("OTEL_EXPORTER_PROMETHEUS_PORT", EXPECTED)?;
        Ok(ListenerConfig {
            host: host.map_or(default.host, |host| host.trim().to_owned()),
            port: port.unwrap_or(default.port),
        })
    }
}
