//! Settings of one signal: from code, or else from the environment, or else the defaults.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{endpoint::Endpoint, options::Otlp, tls::Tls};
use crate::{
    base::{error::TelemetryError, redacted_url::RedactedUrl},
    config::{
        Config,
        env::{NO_LIMIT, time_limit},
        otlp::{
            COLLECTOR, EnvUrl, OtlpConfig, Signal,
            protocol::{Compression, Protocol},
        },
    },
    export::transport::http_client::HTTP_ONLY,
};

const HEADER: &str = "the name and the value of an HTTP header";

/// Settings of the export of one signal.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) endpoint: Endpoint,
    pub(crate) timeout: Duration,
    pub(super) url: RedactedUrl,
    pub(crate) protocol: Protocol,
    pub(super) headers: HeaderMap,
    pub(super) compression: Compression,
    pub(super) tls: Tls,
    pub(super) http_client: Option<reqwest::Client>,
}

impl Settings {
    /// # Errors
    ///
    /// If nothing can be exported with these settings.
    pub(crate) fn resolve(
        code: &Otlp,
        signal: &Signal,
        signal_config: &OtlpConfig,
        config: &Config,
    ) -> Result<Self, TelemetryError> {
        let protocol = code.protocol.unwrap_or(signal_config.protocol);
        let endpoint = endpoint(code, signal_config, protocol, signal)?;
        for suspicion in endpoint.suspicions(protocol.is_grpc(), signal.path) {
            config.findings.suspect(suspicion)?;
        }
        check_http_client(code, signal_config, protocol, &endpoint)?;
        Ok(Self {
            url: url(&endpoint, protocol, signal),
            tls: Tls::resolve(code, signal_config, &endpoint, &config.findings)?,
            endpoint,
            protocol,
            headers: headers(code, signal_config)?,
            timeout: code.timeout.map_or(signal_config.timeout, time_limit),
            compression: code.compression.unwrap_or(signal_config.compression),
            http_client: code.http_client.clone(),
        })
    }
}

impl Settings {
    /// Returns the options by the last words of their variables. Values of headers are masked.
    pub(super) fn options(&self) -> BTreeMap<&'static str, String> {
        let headers = self.headers.keys().map(|name| format!("{name}=***"));
        let timeout = match self.timeout {
            NO_LIMIT => "none".to_owned(),
            timeout => timeout.as_millis().to_string(),
        };
        BTreeMap::from([
            ("PROTOCOL", self.protocol.as_str().to_owned()),
            ("COMPRESSION", self.compression.as_str().to_owned()),
            ("TIMEOUT", timeout),
            ("HEADERS", headers.collect::<Vec<_>>().join(",")),
        ])
    }
}

fn endpoint(
    code: &Otlp,
    config: &OtlpConfig,
    protocol: Protocol,
    signal: &Signal,
) -> Result<Endpoint, TelemetryError> {
    let endpoint = match (&code.endpoint, &config.endpoint) {
        (Some((setting, url)), _) => Endpoint::for_collector(setting, url, signal.path)?,
        (None, Some(named)) => named_endpoint(named, config.insecure, protocol, signal)?,
        (None, None) => Endpoint::for_collector(COLLECTOR, default_url(protocol), signal.path)?,
    };
    if endpoint.is_https() && !cfg!(feature = "tls") && code.http_client.is_none() {
        return Err(endpoint.refused(HTTP_ONLY));
    }
    match protocol {
        Protocol::Grpc => endpoint.over_grpc(),
        Protocol::HttpProtobuf | Protocol::HttpJson => Ok(endpoint),
    }
}

/// Returns the endpoint of the environment. OTLP exporter specification, "Configuration Options":
/// an endpoint for one signal is used unchanged. Over gRPC a scheme is not required, and
/// `OTEL_EXPORTER_OTLP_INSECURE` selects it.
fn named_endpoint(
    (setting, url): &EnvUrl,
    insecure: Option<bool>,
    protocol: Protocol,
    signal: &Signal,
) -> Result<Endpoint, TelemetryError> {
    let value = url.as_str().trim();
    let scheme = match insecure {
        _ if !protocol.is_grpc() || value.contains("://") => "",
        Some(true) => "http://",
        Some(false) | None => "https://",
    };
    let url = format!("{scheme}{value}");
    match *setting == COLLECTOR {
        true => Endpoint::for_collector(setting, &url, signal.path),
        false => Endpoint::verbatim(setting, &url),
    }
}

fn default_url(protocol: Protocol) -> &'static str {
    match protocol.is_grpc() {
        true => "http://localhost:4317",
        false => "http://localhost:4318",
    }
}

fn url(endpoint: &Endpoint, protocol: Protocol, signal: &Signal) -> RedactedUrl {
    let method = if protocol.is_grpc() { signal.method } else { "" };
    RedactedUrl::from(format!("{}{method}", endpoint.url()))
}

/// Combines the headers of the environment and of code. A header of code replaces that of the same
/// name.
fn headers(code: &Otlp, config: &OtlpConfig) -> Result<HeaderMap, TelemetryError> {
    let mut ours = HeaderMap::new();
    for (name, value) in &code.headers {
        let refused = || TelemetryError::setting("Otlp::header()", format!("{name}=***"), HEADER);
        let header = name.parse::<HeaderName>().map_err(|_| refused())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| refused())?;
        value.set_sensitive(true);
        ours.try_append(header, value).map_err(|_| refused())?;
    }
    let mut headers = config.headers.clone();
    headers.extend(ours);
    Ok(headers)
}

/// Checks a client of the user, which has its own protocol versions and certificates.
fn check_http_client(
    code: &Otlp,
    config: &OtlpConfig,
    protocol: Protocol,
    endpoint: &Endpoint,
) -> Result<(), TelemetryError> {
    if code.http_client.is_none() {
        return Ok(());
    }
    let refused = |expected| Err(TelemetryError::setting("Otlp::http_client()", "…", expected));
    if protocol.is_grpc() {
        return refused("no client for gRPC, which requires an HTTP/2-only client");
    }
    if code.has_certificates() {
        return refused("no certificates beside it, because the client has its own");
    }
    match config.certificate_setting().filter(|_| endpoint.is_https()) {
        Some((setting, path)) => {
            let expected = "nothing beside Otlp::http_client(), which has its own certificates";
            Err(TelemetryError::setting(setting, path, expected))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
