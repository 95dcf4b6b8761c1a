//! Export of metrics.

use std::time::Duration;

use opentelemetry_sdk::metrics::{Aggregation, Instrument, InstrumentKind, Temporality};

use super::{
    env::{Env, words::Words},
    otlp::{METRICS, OtlpConfig},
};
use crate::{base::error::TelemetryError, trace::Pattern};

pub(crate) const HISTOGRAMS: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";

/// Time between two exports.
const INTERVAL: Duration = Duration::from_secs(60);

/// Time limit of one export with all its attempts.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Exporters of metrics, and their settings.
#[derive(Clone, Debug)]
pub(crate) struct MetricsConfig {
    pub(crate) exporters: Vec<MetricsExport>,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) temporality: Temporality,
    pub(crate) histograms: HistogramAggregation,
    pub(crate) otlp: OtlpConfig,
    pub(crate) listener: ListenerConfig,
    /// Views, which apply to all readers.
    pub(crate) views: Vec<ViewConfig>,
}

/// An exporter that environment or file selects.
#[derive(Clone, Debug)]
pub(crate) struct MetricsExport {
    pub(crate) exporter: MetricsExporter,
    /// Setting that selects it.
    pub(crate) setting: &'static str,
    /// Settings of this exporter alone. Without them it has those of all exporters.
    pub(crate) own: Option<Box<MetricsConfig>>,
}

/// A view: metrics SDK specification, "View".
#[derive(Clone, Debug)]
pub(crate) struct ViewConfig {
    pub(crate) selector: ViewSelector,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) aggregation: Option<Aggregation>,
    pub(crate) cardinality_limit: Option<usize>,
    pub(crate) attribute_keys: Option<Vec<String>>,
}

/// Instruments that a view applies to. What is `None` matches all.
#[derive(Clone, Debug, Default)]
pub(crate) struct ViewSelector {
    /// Pattern of the name in lowercase, because names are case-insensitive.
    pub(crate) instrument_name: Option<Pattern>,
    pub(crate) kind: Option<InstrumentKind>,
    pub(crate) unit: Option<String>,
    pub(crate) meter_name: Option<String>,
    pub(crate) meter_version: Option<String>,
    pub(crate) meter_schema_url: Option<String>,
}

impl ViewSelector {
    pub(crate) fn selects(&self, instrument: &Instrument) -> bool {
        let scope = instrument.scope();
        let is = |expected: &Option<String>, actual: Option<&str>| {
            expected.as_deref().is_none_or(|expected| actual == Some(expected))
        };
        let name = || instrument.name().to_ascii_lowercase();
        self.instrument_name.as_ref().is_none_or(|pattern| pattern.matches(&name()))
            && self.kind.is_none_or(|kind| instrument.kind() == kind)
            && is(&self.unit, Some(instrument.unit()))
            && is(&self.meter_name, Some(scope.name()))
            && is(&self.meter_version, scope.version())
            && is(&self.meter_schema_url, scope.schema_url())
    }

    /// Whether all instruments that match have the same name.
    pub(super) fn selects_one_name(&self) -> bool {
        matches!(self.instrument_name, Some(Pattern::Exact(_)))
    }
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

pub(super) const AGGREGATIONS: Words<HistogramAggregation> = Words {
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
        const EXPORTER: &str = "OTEL_METRICS_EXPORTER";
        let exporters = self.exporters(EXPORTER, &EXPORTERS)?.unwrap_or_default();
        let export = |exporter| MetricsExport { exporter, setting: EXPORTER, own: None };
        let interval = self.milliseconds(["OTEL_METRIC_EXPORT_INTERVAL"], 1)?;
        let timeout = self.timeout(["OTEL_METRIC_EXPORT_TIMEOUT"])?;
        let histograms = self.choice([HISTOGRAMS], &AGGREGATIONS)?;
        Ok(MetricsConfig {
            exporters: exporters.into_iter().map(export).collect(),
            interval: interval.unwrap_or(INTERVAL),
            timeout: timeout.unwrap_or(TIMEOUT),
            temporality: self.choice([TEMPORALITY], &TEMPORALITIES)?.unwrap_or_default(),
            histograms: histograms.unwrap_or(HistogramAggregation::Explicit),
            otlp: self.otlp(&METRICS)?,
            listener: self.listener()?,
            views: Vec::new(),
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
