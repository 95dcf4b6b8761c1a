use std::{
    env, fmt,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    str::FromStr,
};

use reqwest::Url;

use super::ports::{self, confusion};
use crate::telemetry::{
    endpoint::{is_loopback, redact},
    error::TelemetryError,
};

const API: &str = "/api/traces";
const URL: &str = "an absolute http:// or https:// URL such as http://localhost:14268/api/traces";
const URL_OF_COLLECTOR: &str = "; a URL is of a collector: use JaegerEndpoint::collector() or \
                                OTEL_EXPORTER_JAEGER_ENDPOINT";
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Where Jaeger takes spans: two ways that look alike and are not.
///
/// ```
/// use tracing_core_ext::telemetry::JaegerEndpoint;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let agent = JaegerEndpoint::agent("127.0.0.1:6831")?;
/// let collector = JaegerEndpoint::collector("http://127.0.0.1:14268/api/traces")?;
/// assert_eq!("127.0.0.1:6831".parse::<JaegerEndpoint>()?, agent);
/// assert_eq!("http://127.0.0.1:14268/api/traces".parse::<JaegerEndpoint>()?, collector);
///
/// let error = JaegerEndpoint::collector("http://jaeger:14268").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "JaegerEndpoint::collector()=\"http://jaeger:14268\": expected \
///      http://jaeger:14268/api/traces, complete with its path",
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JaegerEndpoint {
    /// An agent, which takes Thrift's compact protocol over UDP. Nobody says whether it has arrived.
    AgentUdp(SocketAddr),
    /// A collector, which takes Thrift's binary protocol over HTTP, at a URL complete with its path `/api/traces`.
    CollectorHttp(Url),
}

impl JaegerEndpoint {
    /// The agent at `host:port`, by default 6831. The host is resolved now, to an IPv4 address where it has one.
    ///
    /// # Errors
    ///
    /// When this is a URL or has no port, when the port is known to be somebody else's, and when the host cannot be
    /// resolved.
    pub fn agent(host_and_port: &str) -> Result<Self, TelemetryError> {
        agent("JaegerEndpoint::agent()", host_and_port)
    }

    /// The collector at this URL, used as it is.
    ///
    /// # Errors
    ///
    /// When this is no `http` or `https` URL, does not end in `/api/traces`, carries credentials (set
    /// `OTEL_EXPORTER_JAEGER_USER` and `OTEL_EXPORTER_JAEGER_PASSWORD`), or has a port known to be somebody else's.
    pub fn collector(url: &str) -> Result<Self, TelemetryError> {
        collector_url("JaegerEndpoint::collector()", url).map(Self::CollectorHttp)
    }

    /// What has not been checked yet: everything, as both variants can be made by anybody.
    pub(in crate::telemetry) fn check(&self, setting: &'static str) -> Result<(), TelemetryError> {
        match self {
            Self::AgentUdp(address) => {
                check_agent(setting, &address.to_string(), &host_of(address), address.port())
            }
            Self::CollectorHttp(url) => {
                check_url(setting, url)?;
                check_tls(setting, url)?;
                check_host(setting, url)
            }
        }
    }
}

impl FromStr for JaegerEndpoint {
    type Err = TelemetryError;

    /// A collector if this begins with `http://` or `https://`, else an agent.
    fn from_str(endpoint: &str) -> Result<Self, Self::Err> {
        const SETTING: &str = "JaegerEndpoint";
        match is_http(endpoint) {
            true => collector_url(SETTING, endpoint).map(Self::CollectorHttp),
            false => agent(SETTING, endpoint),
        }
    }
}

/// Without the query, which may be secret.
impl fmt::Display for JaegerEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentUdp(address) => write!(f, "udp://{address}"),
            Self::CollectorHttp(url) => f.write_str(&redact(url.as_str())),
        }
    }
}

fn is_http(value: &str) -> bool {
    let scheme = value.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

fn agent(setting: &'static str, value: &str) -> Result<JaegerEndpoint, TelemetryError> {
    let Some((host, port)) = host_and_port(value) else {
        let hint = match value.split_once("://") {
            Some(_) if is_http(value) => URL_OF_COLLECTOR,
            Some(_) => ", without a scheme",
            None => "",
        };
        let expected = format!("host:port of an agent such as localhost:6831{hint}");
        return Err(TelemetryError::setting(setting, redact(value), expected));
    };
    check_agent(setting, value, host, port)?;
    resolve_agent(setting, value, host, port)
}

fn host_and_port(value: &str) -> Option<(&str, u16)> {
    let (host, port) = value.rsplit_once(':')?;
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match in_brackets {
        Some(address) => address,
        None if host.contains([':', '/', '@']) || host.is_empty() => return None,
        None => host,
    };
    Some((host, port.parse().ok()?))
}

fn check_agent(
    setting: &'static str,
    value: &str,
    host: &str,
    port: u16,
) -> Result<(), TelemetryError> {
    let hint = if port == 0 { Some(String::new()) } else { confusion(port, ports::AGENT) };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    hint.map_or(Ok(()), |hint| {
        let expected = format!("an agent's host:port such as {host}:{}{hint}", ports::AGENT);
        Err(TelemetryError::setting(setting, value, expected))
    })
}

fn host_of(address: &SocketAddr) -> String {
    address.ip().to_string()
}

/// `value` is what the setting holds.
pub(in crate::telemetry) fn resolve_agent(
    setting: &'static str,
    value: &str,
    host: &str,
    port: u16,
) -> Result<JaegerEndpoint, TelemetryError> {
    let refused = |why: String| {
        let expected = format!("an IP address or the name of a host that has one ({why})");
        TelemetryError::setting(setting, redact(value), expected)
    };
    if host.contains(['/', '@']) || (host.contains(':') && host.parse::<IpAddr>().is_err()) {
        let port = "OTEL_EXPORTER_JAEGER_AGENT_PORT";
        let hint = if is_http(value) { URL_OF_COLLECTOR } else { "" };
        let expected = format!("a host alone such as localhost, for its port is {port}{hint}");
        return Err(TelemetryError::setting(setting, redact(value), expected));
    }
    let found = (host, port).to_socket_addrs().map_err(|error| refused(error.to_string()))?;
    let found: Vec<SocketAddr> = found.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    let first = first.ok_or_else(|| refused("none was found".to_owned()))?;
    Ok(JaegerEndpoint::AgentUdp(*first))
}

pub(in crate::telemetry) fn collector_url(
    setting: &'static str,
    value: &str,
) -> Result<Url, TelemetryError> {
    let url = Url::parse(value).ok().filter(|url| is_http(value) && url.has_host());
    let Some(url) = url else {
        let port = host_and_port(value).and_then(|(_, port)| confusion(port, ports::COLLECTOR));
        let expected = format!("{URL}{}", port.unwrap_or_default());
        return Err(TelemetryError::setting(setting, redact(value), expected));
    };
    check_url(setting, &url)?;
    Ok(url)
}

fn check_url(setting: &'static str, url: &Url) -> Result<(), TelemetryError> {
    match objection(url) {
        Some(expected) => Err(TelemetryError::setting(setting, redact(url.as_str()), expected)),
        None => Ok(()),
    }
}

/// What is expected instead of this URL.
fn objection(url: &Url) -> Option<String> {
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
    if let Some(hint) = url.port().and_then(|port| confusion(port, ports::COLLECTOR)) {
        return Some(format!("{right}{hint}"));
    }
    if url.path() == "/v1/traces" {
        let otlp = "; /v1/traces is the path of OTLP: use otlp_endpoint() or \
                    OTEL_EXPORTER_OTLP_ENDPOINT";
        return Some(format!("{right}{otlp}"));
    }
    (!url.path().ends_with(API)).then(|| format!("{right}, complete with its path"))
}

/// With the path of a collector, and with its port where that is known to be another's.
fn corrected(url: &Url) -> Url {
    let mut corrected = url.clone();
    let path = url.path().trim_end_matches('/').trim_end_matches("/v1/traces");
    let path = path.trim_end_matches(API);
    corrected.set_path(&format!("{path}{API}"));
    if url.port().is_some_and(|port| confusion(port, ports::COLLECTOR).is_some()) {
        let _ = corrected.set_port(Some(ports::COLLECTOR));
    }
    corrected
}

fn check_tls(setting: &'static str, url: &Url) -> Result<(), TelemetryError> {
    if url.scheme() == "https" && !cfg!(feature = "tls") {
        let expected = "an http:// URL, for the feature `tls` of tracing-core-ext is off";
        return Err(TelemetryError::setting(setting, redact(url.as_str()), expected));
    }
    Ok(())
}

/// Behind a proxy a host may be known to the proxy alone.
fn check_host(setting: &'static str, url: &Url) -> Result<(), TelemetryError> {
    let may_be_proxied = PROXIES.iter().any(|name| env::var_os(name).is_some());
    if may_be_proxied && !url.host_str().is_some_and(is_loopback) {
        return Ok(());
    }
    url.socket_addrs(|| None).map(drop).map_err(|error| {
        let expected = format!("a URL of a host that has an IP address ({error})");
        TelemetryError::setting(setting, redact(url.as_str()), expected)
    })
}

#[cfg(test)]
mod tests;
