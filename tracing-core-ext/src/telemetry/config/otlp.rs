use std::time::Duration;

use http::HeaderMap;

use super::variables::{Variables, positive};
use crate::telemetry::{endpoint::Endpoint, error::TelemetryError, headers::parse_headers};

/// How a signal is exported over OTLP.
#[derive(Debug)]
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "only for OTLP"))]
pub(in crate::telemetry) struct Otlp {
    pub(in crate::telemetry) endpoint: Option<Endpoint>,
    pub(in crate::telemetry) protocol: Option<(&'static str, String)>,
    pub(in crate::telemetry) headers: HeaderMap,
    pub(in crate::telemetry) timeout: Duration,
}

/// What is appended to the URL of a collector.
pub(in crate::telemetry) const TRACES_PATH: &str = "/v1/traces";
pub(in crate::telemetry) const METRICS_PATH: &str = "/v1/metrics";

/// The variables of a signal, each before the one for all signals.
pub(super) struct Signal {
    path: &'static str,
    endpoint: &'static str,
    protocol: [&'static str; 2],
    headers: [&'static str; 2],
    timeout: [&'static str; 2],
}

pub(super) const TRACES: Signal = Signal {
    path: TRACES_PATH,
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    protocol: ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
};

pub(super) const METRICS: Signal = Signal {
    path: METRICS_PATH,
    endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    protocol: ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
};

impl Variables {
    pub(super) fn otlp(&self, signal: &Signal) -> Result<Otlp, TelemetryError> {
        Ok(Otlp {
            endpoint: self.endpoint(signal)?,
            protocol: self.first(signal.protocol)?,
            headers: self.headers(signal)?,
            timeout: self.timeout(signal)?,
        })
    }

    fn endpoint(&self, signal: &Signal) -> Result<Option<Endpoint>, TelemetryError> {
        const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        if let Some(value) = self.text(signal.endpoint)? {
            return Endpoint::verbatim(signal.endpoint, value.trim()).map(Some);
        }
        self.text(COLLECTOR)?
            .map(|value| Endpoint::of_collector(COLLECTOR, value.trim(), signal.path))
            .transpose()
    }

    fn headers(&self, signal: &Signal) -> Result<HeaderMap, TelemetryError> {
        let found = self.first(signal.headers)?;
        found.map_or(Ok(HeaderMap::new()), |(name, value)| parse_headers(name, &value))
    }

    fn timeout(&self, signal: &Signal) -> Result<Duration, TelemetryError> {
        let found = self.first(signal.timeout)?;
        let milliseconds =
            found.map_or(Ok(10_000), |(name, value)| positive(name, &value, u64::MAX))?;
        Ok(Duration::from_millis(milliseconds))
    }
}
