use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

#[cfg(feature = "tls")]
use super::tls::Tls;
use super::{endpoint::Endpoint, options::Otlp};
use crate::{
    base::{error::TelemetryError, redacted_url::RedactedUrl},
    config::{
        Compression,
        otlp::{COLLECTOR, EnvUrl, OtlpVariables, Signal},
        protocol::Protocol,
    },
    export::transport::http_client::HTTP_ONLY,
};

const TIMEOUT: Duration = Duration::from_secs(10);
#[cfg(not(feature = "tls"))]
const CERTIFICATE: &str = "nothing, for the feature `tls` of tracing-core-ext is off";
const BESIDE_CLIENT: &str = "nothing beside Otlp::http_client(), which brings its own certificates";
const HEADER: &str = "the name and the value of an HTTP header";

/// How a signal is sent: what code says, else its variable, else that of all signals, else the default.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) endpoint: Endpoint,
    pub(crate) timeout: Duration,
    pub(super) url: RedactedUrl,
    pub(crate) protocol: Protocol,
    pub(super) headers: HeaderMap,
    pub(super) compression: Compression,
    #[cfg(feature = "tls")]
    pub(super) tls: Tls,
    pub(super) http_client: Option<reqwest::Client>,
}

impl Settings {
    pub(crate) fn resolve(
        code: &Otlp,
        environment: &OtlpVariables,
        signal: &Signal,
    ) -> Result<Self, TelemetryError> {
        let protocol = code.protocol.or(environment.protocol).unwrap_or(Protocol::HttpProtobuf);
        let endpoint = endpoint(code, environment, protocol, signal)?;
        check_http_client(code, environment, protocol)?;
        #[cfg(not(feature = "tls"))]
        refuse_certificates(environment, CERTIFICATE)?;
        #[cfg(feature = "tls")]
        let tls = Tls::resolve(code, environment, &endpoint)?;
        Ok(Self {
            url: url(&endpoint, protocol, signal),
            endpoint,
            protocol,
            headers: headers(code, environment)?,
            timeout: timeout(code, environment)?,
            compression: code.compression.or(environment.compression).unwrap_or_default(),
            #[cfg(feature = "tls")]
            tls,
            http_client: code.http_client.clone(),
        })
    }
}

fn endpoint(
    code: &Otlp,
    environment: &OtlpVariables,
    protocol: Protocol,
    signal: &Signal,
) -> Result<Endpoint, TelemetryError> {
    let endpoint = match (&code.endpoint, &environment.endpoint) {
        (Some((setting, url)), _) => Endpoint::for_collector(setting, url, signal.path)?,
        (None, Some(named)) => named_endpoint(named, environment.insecure, protocol, signal)?,
        (None, None) => Endpoint::for_collector(COLLECTOR, default_url(protocol), signal.path)?,
    };
    endpoint.check_port(protocol.is_grpc())?;
    if endpoint.is_https() && !cfg!(feature = "tls") && code.http_client.is_none() {
        return Err(endpoint.refused(HTTP_ONLY));
    }
    match protocol {
        Protocol::Grpc => endpoint.over_grpc(),
        Protocol::HttpProtobuf | Protocol::HttpJson => Ok(endpoint),
    }
}

/// Over gRPC the scheme may be left out: OTLP exporter specification, "Endpoint (OTLP/gRPC)" and "Insecure".
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

fn headers(code: &Otlp, environment: &OtlpVariables) -> Result<HeaderMap, TelemetryError> {
    let mut ours = HeaderMap::new();
    for (name, value) in &code.headers {
        let refused = || TelemetryError::setting("Otlp::header()", format!("{name}=***"), HEADER);
        let header = name.parse::<HeaderName>().map_err(|_| refused())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| refused())?;
        value.set_sensitive(true);
        ours.try_append(header, value).map_err(|_| refused())?;
    }
    let mut headers = environment.headers.clone();
    headers.extend(ours);
    Ok(headers)
}

fn timeout(code: &Otlp, environment: &OtlpVariables) -> Result<Duration, TelemetryError> {
    match code.timeout {
        Some(Duration::ZERO) => {
            let expected = "more than no time";
            Err(TelemetryError::setting("Otlp::timeout()", "0ns", expected))
        }
        timeout => Ok(timeout.or(environment.timeout).unwrap_or(TIMEOUT)),
    }
}

fn check_http_client(
    code: &Otlp,
    environment: &OtlpVariables,
    protocol: Protocol,
) -> Result<(), TelemetryError> {
    if code.http_client.is_none() {
        return Ok(());
    }
    let refused = |expected| Err(TelemetryError::setting("Otlp::http_client()", "…", expected));
    if protocol.is_grpc() {
        return refused("no client of one's own for gRPC, which needs one for HTTP/2 alone");
    }
    if code.has_certificates() {
        return refused("no certificates beside it, for the client brings its own");
    }
    refuse_certificates(environment, BESIDE_CLIENT)
}

fn refuse_certificates(
    environment: &OtlpVariables,
    expected: &'static str,
) -> Result<(), TelemetryError> {
    let OtlpVariables { certificate, client_certificate, client_key, .. } = environment;
    match certificate.as_ref().or(client_certificate.as_ref()).or(client_key.as_ref()) {
        Some((setting, path)) => Err(TelemetryError::setting(setting, path, expected)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
