use std::time::Duration;

use http::HeaderMap;

use super::{
    env::Env,
    otlp_headers::parse_headers,
    protocol::{Compression, Protocol},
};
use crate::base::{error::TelemetryError, redacted_url::RedactedUrl};

/// Where all signals go, each to a path of its own below it.
pub(crate) const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// What the environment says of the export of a signal over OTLP.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "only for OTLP"))]
pub(crate) struct OtlpVariables {
    /// As it is written, for what it means depends on the protocol, which code may name.
    pub(crate) endpoint: Option<EnvUrl>,
    pub(crate) insecure: Option<bool>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Option<Duration>,
    pub(crate) compression: Option<Compression>,
    pub(crate) certificate: Option<EnvValue>,
    pub(crate) client_certificate: Option<EnvValue>,
    pub(crate) client_key: Option<EnvValue>,
}

/// A variable, and its value.
pub(crate) type EnvValue = (&'static str, String);

pub(crate) type EnvUrl = (&'static str, RedactedUrl);

/// A signal, and its variables, each before the one for all signals.
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "only for OTLP"))]
pub(crate) struct Signal {
    /// What is appended to the URL of a collector.
    pub(crate) path: &'static str,
    /// The method that is called over gRPC.
    pub(crate) method: &'static str,
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

pub(crate) const TRACES: Signal = Signal {
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

pub(crate) const METRICS: Signal = Signal {
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

impl Env {
    pub(super) fn otlp(&self, signal: &Signal) -> Result<OtlpVariables, TelemetryError> {
        Ok(OtlpVariables {
            endpoint: self
                .first_set([signal.endpoint, COLLECTOR])?
                .map(|(name, url)| (name, url.into())),
            insecure: self.boolean(signal.insecure)?,
            protocol: self.parsed(signal.protocol, Protocol::parse, Protocol::EXPECTED)?,
            headers: self.headers(signal)?,
            timeout: self.milliseconds(signal.timeout)?,
            compression: self.parsed(
                signal.compression,
                Compression::parse,
                Compression::EXPECTED,
            )?,
            certificate: self.first_set(signal.certificate)?,
            client_certificate: self.first_set(signal.client_certificate)?,
            client_key: self.first_set(signal.client_key)?,
        })
    }

    fn headers(&self, signal: &Signal) -> Result<HeaderMap, TelemetryError> {
        let found = self.first_set(signal.headers)?;
        found.map_or(Ok(HeaderMap::new()), |(name, value)| parse_headers(name, &value))
    }
}
