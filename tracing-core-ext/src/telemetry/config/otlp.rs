use std::time::Duration;

use http::HeaderMap;

use super::{
    protocol::{Compression, Protocol},
    variables::{Variables, positive},
};
use crate::telemetry::{endpoint::Endpoint, error::TelemetryError, headers::parse_headers};

/// What the environment says of the export of a signal over OTLP.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "only for OTLP"))]
pub(in crate::telemetry) struct OtlpVariables {
    pub(in crate::telemetry) endpoint: Option<Endpoint>,
    pub(in crate::telemetry) protocol: Option<Protocol>,
    pub(in crate::telemetry) headers: HeaderMap,
    pub(in crate::telemetry) timeout: Option<Duration>,
    pub(in crate::telemetry) compression: Option<Compression>,
    pub(in crate::telemetry) certificate: Option<Path>,
    pub(in crate::telemetry) client_certificate: Option<Path>,
    pub(in crate::telemetry) client_key: Option<Path>,
}

/// Of a file, and the variable that names it.
pub(in crate::telemetry) type Path = (&'static str, String);

/// A signal, and its variables, each before the one for all signals.
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "only for OTLP"))]
pub(in crate::telemetry) struct Signal {
    /// What is appended to the URL of a collector.
    pub(in crate::telemetry) path: &'static str,
    /// The method that is called over gRPC.
    pub(in crate::telemetry) method: &'static str,
    endpoint: &'static str,
    protocol: [&'static str; 2],
    headers: [&'static str; 2],
    timeout: [&'static str; 2],
    compression: [&'static str; 2],
    insecure: [&'static str; 2],
    certificate: [&'static str; 2],
    client_certificate: [&'static str; 2],
    client_key: [&'static str; 2],
}

pub(in crate::telemetry) const TRACES: Signal = Signal {
    path: "/v1/traces",
    method: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    protocol: ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    compression: ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"],
    insecure: ["OTEL_EXPORTER_OTLP_TRACES_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE"],
    certificate: ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
    client_certificate: [
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    ],
    client_key: ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
};

pub(in crate::telemetry) const METRICS: Signal = Signal {
    path: "/v1/metrics",
    method: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    protocol: ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    compression: ["OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"],
    insecure: ["OTEL_EXPORTER_OTLP_METRICS_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE"],
    certificate: ["OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
    client_certificate: [
        "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    ],
    client_key: ["OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
};

impl Variables {
    pub(super) fn otlp(&self, signal: &Signal) -> Result<OtlpVariables, TelemetryError> {
        let protocol = self.parsed(signal.protocol, Protocol::parse, Protocol::EXPECTED)?;
        let scheme = match self.parsed(signal.insecure, parse_bool, "true or false")? {
            Some(true) => "http://",
            Some(false) | None => "https://",
        };
        let is_grpc = protocol.is_some_and(Protocol::is_grpc);
        Ok(OtlpVariables {
            endpoint: self.endpoint(signal, is_grpc.then_some(scheme))?,
            protocol,
            headers: self.headers(signal)?,
            timeout: self.timeout(signal)?,
            compression: self.parsed(
                signal.compression,
                Compression::parse,
                Compression::EXPECTED,
            )?,
            certificate: self.first(signal.certificate)?,
            client_certificate: self.first(signal.client_certificate)?,
            client_key: self.first(signal.client_key)?,
        })
    }

    /// Over gRPC the scheme may be left out: OTLP exporter specification, "Endpoint (OTLP/gRPC)" and "Insecure".
    fn endpoint(
        &self,
        signal: &Signal,
        default_scheme: Option<&str>,
    ) -> Result<Option<Endpoint>, TelemetryError> {
        const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let Some((setting, value)) = self.first([signal.endpoint, COLLECTOR])? else {
            return Ok(None);
        };
        let scheme = default_scheme.filter(|_| !value.contains("://")).unwrap_or_default();
        let url = format!("{scheme}{}", value.trim());
        match setting == COLLECTOR {
            true => Endpoint::of_collector(setting, &url, signal.path).map(Some),
            false => Endpoint::verbatim(setting, &url).map(Some),
        }
    }

    fn headers(&self, signal: &Signal) -> Result<HeaderMap, TelemetryError> {
        let found = self.first(signal.headers)?;
        found.map_or(Ok(HeaderMap::new()), |(name, value)| parse_headers(name, &value))
    }

    fn timeout(&self, signal: &Signal) -> Result<Option<Duration>, TelemetryError> {
        let found = self.first(signal.timeout)?;
        let milliseconds =
            found.map(|(name, value)| positive(name, &value, u64::MAX)).transpose()?;
        Ok(milliseconds.map(Duration::from_millis))
    }
}

/// Case does not matter: OpenTelemetry environment variable specification, "Boolean".
fn parse_bool(value: &str) -> Option<bool> {
    match value {
        value if value.eq_ignore_ascii_case("true") => Some(true),
        value if value.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
