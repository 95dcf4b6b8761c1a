use std::env;

use reqwest::Url;

use super::{
    parts::{host_and_port, is_http},
    ports::{self, wrong_port_hint},
};
use crate::{
    base::{
        error::TelemetryError,
        redacted_url::{is_loopback, redact},
    },
    export::transport::http_client::HTTP_ONLY,
};

const API: &str = "/api/traces";
const URL: &str = "an absolute http:// or https:// URL such as http://localhost:14268/api/traces";
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Parses a URL without resolving its host.
pub(crate) fn parse(setting: &'static str, value: &str) -> Result<Url, TelemetryError> {
    let url = Url::parse(value).ok().filter(|url| is_http(value) && url.has_host());
    let Some(url) = url else {
        let port =
            host_and_port(value).and_then(|(_, port)| wrong_port_hint(port, ports::COLLECTOR));
        let expected = format!("{URL}{}", port.unwrap_or_default());
        return Err(TelemetryError::setting(setting, redact(value), expected));
    };
    check_url(setting, value, &url)?;
    Ok(url)
}

/// Checks a URL completely. It may have been built in code, without [`parse`].
pub(super) fn check(setting: &'static str, url: &Url) -> Result<(), TelemetryError> {
    check_url(setting, url.as_str(), url)?;
    check_tls(setting, url)?;
    check_host(setting, url)
}

fn check_url(setting: &'static str, value: &str, url: &Url) -> Result<(), TelemetryError> {
    match url_problem(url) {
        Some(expected) => Err(TelemetryError::setting(setting, redact(value), expected)),
        None => Ok(()),
    }
}

/// Returns the expectation that this URL does not meet.
fn url_problem(url: &Url) -> Option<String> {
    if !is_http(url.as_str()) {
        return Some(URL.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some(
            "a URL without credentials: set OTEL_EXPORTER_JAEGER_USER and \
             OTEL_EXPORTER_JAEGER_PASSWORD"
                .to_owned(),
        );
    }
    let right = redact(corrected(url).as_str());
    if let Some(hint) = url.port().and_then(|port| wrong_port_hint(port, ports::COLLECTOR)) {
        return Some(format!("{right}{hint}"));
    }
    if url.path() == "/v1/traces" {
        let otlp = "; /v1/traces is the path of OTLP: use otlp_endpoint() or \
                    OTEL_EXPORTER_OTLP_ENDPOINT";
        return Some(format!("{right}{otlp}"));
    }
    (!url.path().ends_with(API)).then(|| format!("{right}, complete with its path"))
}

/// Returns the URL with the path of a collector, and with its port if the port is known for another
/// protocol.
fn corrected(url: &Url) -> Url {
    let mut corrected = url.clone();
    let path = url.path().trim_end_matches('/').trim_end_matches("/v1/traces");
    let path = path.trim_end_matches(API);
    corrected.set_path(&format!("{path}{API}"));
    if url.port().is_some_and(|port| wrong_port_hint(port, ports::COLLECTOR).is_some()) {
        let _ = corrected.set_port(Some(ports::COLLECTOR));
    }
    corrected
}

fn check_tls(setting: &'static str, url: &Url) -> Result<(), TelemetryError> {
    if url.scheme() == "https" && !cfg!(feature = "tls") {
        return Err(TelemetryError::setting(setting, redact(url.as_str()), HTTP_ONLY));
    }
    Ok(())
}

/// Resolves the host, unless there is a proxy: a proxy may resolve other hosts.
fn check_host(setting: &'static str, url: &Url) -> Result<(), TelemetryError> {
    if may_be_proxied() && !url.host_str().is_some_and(is_loopback) {
        return Ok(());
    }
    url.socket_addrs(|| None).map(drop).map_err(|error| {
        let expected = format!("a URL of a host that has an IP address ({error})");
        TelemetryError::setting(setting, redact(url.as_str()), expected)
    })
}

pub(super) fn may_be_proxied() -> bool {
    PROXIES.iter().any(|name| env::var_os(name).is_some())
}
