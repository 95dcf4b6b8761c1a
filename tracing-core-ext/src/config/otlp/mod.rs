//! Export over OTLP: OTLP exporter specification, "Configuration Options".

pub(super) mod headers;
pub(crate) mod protocol;

use std::time::Duration;

use http::HeaderMap;

use self::protocol::{COMPRESSIONS, Compression, PROTOCOLS, Protocol};
use super::env::Env;
use crate::base::{error::TelemetryError, redacted_url::RedactedUrl};

/// Base URL for all signals. The path of each signal is appended.
pub(crate) const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Time limit of one export with all its attempts.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of one signal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OtlpConfig {
    /// Endpoint as text: its meaning depends on the protocol, which code may set.
    pub(crate) endpoint: Option<EnvUrl>,
    pub(crate) insecure: Option<bool>,
    pub(crate) protocol: Protocol,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) certificate: Option<EnvValue>,
    pub(crate) client_certificate: Option<EnvValue>,
    pub(crate) client_key: Option<EnvValue>,
}

/// Name and value of a variable.
pub(crate) type EnvValue = (&'static str, String);

pub(crate) type EnvUrl = (&'static str, RedactedUrl);

/// Variables of a signal. Each takes precedence over the one for all signals.
pub(crate) struct Signal {
    /// Path that is appended to the URL of a collector.
    pub(crate) path: &'static str,
    /// Method of the gRPC service.
    pub(crate) method: &'static str,
    pub(in crate::config) endpoint: &'static str,
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

pub(crate) const LOGS: Signal = Signal {
    path: "/v1/logs",
    method: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    protocol: ["OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_LOGS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    compression: ["OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"],
    insecure: ["OTEL_EXPORTER_OTLP_LOGS_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE"],
    certificate: ["OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
    client_certificate: [
        "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    ],
    client_key: ["OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
};

impl OtlpConfig {
    /// Returns a certificate or key if one is set.
    pub(crate) fn certificate_setting(&self) -> Option<&EnvValue> {
        let client = self.client_certificate.as_ref().or(self.client_key.as_ref());
        self.certificate.as_ref().or(client)
    }
}

impl Env {
    pub(super) fn otlp(&self, signal: &Signal) -> Result<OtlpConfig, TelemetryError> {
        let endpoint = self.first_set([signal.endpoint, COLLECTOR])?;
        Ok(OtlpConfig {
            endpoint: endpoint.map(|(name, url)| (name, url.into())),
            insecure: self.boolean(signal.insecure)?,
            protocol: self.choice(signal.protocol, &PROTOCOLS)?.unwrap_or_default(),
            headers: self.headers(signal.headers)?,
            timeout: self.timeout(signal.timeout)?.unwrap_or(TIMEOUT),
            compression: self.choice(signal.compression, &COMPRESSIONS)?.unwrap_or_default(),
            certificate: self.first_set(signal.certificate)?,
            client_certificate: self.first_set(signal.client_certificate)?,
            client_key: self.first_set(signal.client_key)?,
        })
    }
}
