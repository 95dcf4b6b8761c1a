use std::time::Duration;

#[cfg(feature = "otlp")]
use opentelemetry_sdk::metrics::Temporality;

use super::{
    env::Env,
    otlp::{METRICS, OtlpVariables},
};
use crate::base::error::TelemetryError;
#[cfg(feature = "prometheus")]
use crate::export::prometheus::options::ListenerVariables;

pub(crate) const HISTOGRAMS: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";

/// Where metrics go.
#[derive(Debug)]
#[cfg_attr(
    not(all(feature = "otlp", feature = "prometheus")),
    allow(dead_code, reason = "not every feature reads all of them")
)]
pub(crate) struct MetricsVariables {
    pub(crate) has_prometheus: bool,
    pub(crate) has_otlp: bool,
    pub(crate) interval: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    #[cfg(feature = "otlp")]
    pub(crate) temporality: Option<Temporality>,
    pub(crate) histograms: HistogramAggregation,
    pub(crate) otlp: OtlpVariables,
    #[cfg(feature = "prometheus")]
    pub(crate) listener: ListenerVariables,
}

/// The buckets of histograms that are exported over OTLP.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum HistogramAggregation {
    /// Those of the instrument, or else of the specification.
    #[default]
    Explicit,
    /// As wide as it takes, each a power of the same number.
    Exponential,
}

impl Env {
    pub(super) fn metrics(&self) -> Result<MetricsVariables, TelemetryError> {
        let [has_prometheus, has_otlp] = self.metrics_exporters()?;
        Ok(MetricsVariables {
            has_prometheus,
            has_otlp,
            interval: self.milliseconds(["OTEL_METRIC_EXPORT_INTERVAL"])?,
            timeout: self.milliseconds(["OTEL_METRIC_EXPORT_TIMEOUT"])?,
            #[cfg(feature = "otlp")]
            temporality: self.temporality()?,
            histograms: self.histograms()?.unwrap_or_default(),
            otlp: self.otlp(&METRICS)?,
            #[cfg(feature = "prometheus")]
            listener: self.listener()?,
        })
    }

    #[cfg(feature = "otlp")]
    fn temporality(&self) -> Result<Option<Temporality>, TelemetryError> {
        const PREFERENCE: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        let parse = |value: &str| value.parse().ok();
        self.parsed([PREFERENCE], parse, "cumulative, delta or lowmemory")
    }

    fn histograms(&self) -> Result<Option<HistogramAggregation>, TelemetryError> {
        let parse = |value: &str| match value {
            "explicit_bucket_histogram" => Some(HistogramAggregation::Explicit),
            "base2_exponential_bucket_histogram" => Some(HistogramAggregation::Exponential),
            _ => None,
        };
        let expected = "explicit_bucket_histogram or base2_exponential_bucket_histogram";
        self.parsed([HISTOGRAMS], parse, expected)
    }

    /// Whether metrics are served for Prometheus, and whether they are exported over OTLP.
    fn metrics_exporters(&self) -> Result<[bool; 2], TelemetryError> {
        const EXPORTER: &str = "OTEL_METRICS_EXPORTER";
        let Some(list) = self.text(EXPORTER)? else {
            return Ok([false; 2]);
        };
        let mut exporters = [false; 2];
        for name in list.split(',').map(str::trim) {
            match name {
                "prometheus" if cfg!(feature = "prometheus") => exporters[0] = true,
                "otlp" if cfg!(feature = "otlp") => exporters[1] = true,
                "none" if list.trim() == "none" => {}
                _ => return Err(TelemetryError::setting(EXPORTER, list, metrics_exporters())),
            }
        }
        Ok(exporters)
    }

    #[cfg(feature = "prometheus")]
    fn listener(&self) -> Result<ListenerVariables, TelemetryError> {
        const PORT: &str = "OTEL_EXPORTER_PROMETHEUS_PORT";
        let port = self.text(PORT)?.map(|value| {
            let port = value.trim().parse();
            port.map_err(|_| {
                TelemetryError::setting(PORT, value, "a port from 1 to 65535, or 0 for any")
            })
        });
        let host = self.text("OTEL_EXPORTER_PROMETHEUS_HOST")?;
        Ok(ListenerVariables {
            host: host.map(|host| host.trim().to_owned()),
            port: port.transpose()?,
        })
    }
}

const fn metrics_exporters() -> &'static str {
    match (cfg!(feature = "prometheus"), cfg!(feature = "otlp")) {
        (true, true) => "prometheus, otlp, both separated by a comma, or none",
        (true, false) => "prometheus or none, for the feature `otlp` of tracing-core-ext is off",
        (false, true) => "otlp or none, for the feature `prometheus` of tracing-core-ext is off",
        (false, false) => {
            "none, for the features `otlp` and `prometheus` of tracing-core-ext are off"
        }
    }
}
