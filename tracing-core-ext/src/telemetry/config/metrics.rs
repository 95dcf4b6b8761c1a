use std::time::Duration;

use super::{
    otlp::{METRICS, Otlp},
    variables::Variables,
};
#[cfg(feature = "prometheus")]
use crate::prometheus::ListenerVariables;
use crate::telemetry::error::TelemetryError;

/// Where metrics go.
#[derive(Debug)]
#[cfg_attr(
    not(all(feature = "otlp", feature = "prometheus")),
    allow(dead_code, reason = "not every feature reads all of them")
)]
pub(in crate::telemetry) struct MetricsVariables {
    pub(in crate::telemetry) has_prometheus: bool,
    pub(in crate::telemetry) has_otlp: bool,
    pub(in crate::telemetry) interval: Option<Duration>,
    pub(in crate::telemetry) otlp: Otlp,
    #[cfg(feature = "prometheus")]
    pub(in crate::telemetry) listener: ListenerVariables,
}

impl Variables {
    pub(super) fn metrics(&self) -> Result<MetricsVariables, TelemetryError> {
        let [has_prometheus, has_otlp] = self.metrics_exporters()?;
        Ok(MetricsVariables {
            has_prometheus,
            has_otlp,
            interval: self.milliseconds("OTEL_METRIC_EXPORT_INTERVAL")?,
            otlp: self.otlp(&METRICS)?,
            #[cfg(feature = "prometheus")]
            listener: self.listener()?,
        })
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
