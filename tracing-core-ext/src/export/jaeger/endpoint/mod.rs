//! Addresses of agents and collectors.

mod agent_address;
mod collector_url;
mod parts;
mod ports;
#[cfg(test)]
mod tests;

use std::{fmt, net::SocketAddr, str::FromStr};

use reqwest::Url;

use self::parts::is_http;
use crate::{
    base::{error::TelemetryError, redacted_url::redact},
    config::jaeger::{AGENT_HOST, AGENT_PORT, COLLECTOR, JaegerConfig},
};

/// Endpoint of Jaeger: an agent or a collector.
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
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JaegerEndpoint {
    /// Agent, which receives Thrift's compact protocol over UDP. Spans in packets that the system
    /// reports as refused are counted as lost; other losses of packets are not detected. At most 10
    /// MB per second are sent, because an agent loses faster packets. Long strings of a span above
    /// 65,000 bytes are truncated, and the tag `jaeger.cut_to_characters` is added. If the span is
    /// still too large, its events are dropped.
    AgentUdp(SocketAddr),
    /// Collector, which receives Thrift's binary protocol over HTTP, at a URL with the path
    /// `/api/traces`. A failed export that can be retried is retried within
    /// `OTEL_EXPORTER_JAEGER_TIMEOUT`, as over OTLP.
    CollectorHttp(Url),
}

impl JaegerEndpoint {
    /// Returns the agent at `host:port`; the default port of agents is 6831. The host is resolved
    /// immediately, to an IPv4 address if it has one.
    ///
    /// # Errors
    ///
    /// If the value is a URL or has no port, if the port is known for another protocol, or if the
    /// host cannot be resolved.
    pub fn agent(host_and_port: &str) -> Result<Self, TelemetryError> {
        agent_address::parse("JaegerEndpoint::agent()", host_and_port).map(Self::AgentUdp)
    }

    /// Returns the collector at this URL, which is used unchanged.
    ///
    /// # Errors
    ///
    /// If the value is not an `http` or `https` URL, does not end in `/api/traces`, contains
    /// credentials (set `OTEL_EXPORTER_JAEGER_USER` and `OTEL_EXPORTER_JAEGER_PASSWORD`), or has a
    /// port that is known for another protocol.
    pub fn collector(url: &str) -> Result<Self, TelemetryError> {
        collector_url::parse("JaegerEndpoint::collector()", url).map(Self::CollectorHttp)
    }

    /// Returns the collector or agent of the environment, or else the agent on this host.
    ///
    /// # Errors
    ///
    /// If spans cannot be delivered to the endpoint.
    pub(super) fn from_config(config: &JaegerConfig) -> Result<Self, TelemetryError> {
        if let Some(url) = config.collector() {
            return collector_url::parse(COLLECTOR, url)
                .map(Self::CollectorHttp)
                .and_then(|endpoint| endpoint.checked(COLLECTOR));
        }
        let host = config.agent_host.as_deref().unwrap_or("localhost");
        let port = config.agent_port.unwrap_or(ports::AGENT);
        agent_address::check_host(AGENT_HOST, host)?;
        agent_address::check_port_alone(AGENT_PORT, port)?;
        agent_address::resolve(AGENT_HOST, host, host, port).map(Self::AgentUdp)
    }

    /// # Errors
    ///
    /// If spans cannot be delivered to the endpoint.
    pub(super) fn checked(self, setting: &'static str) -> Result<Self, TelemetryError> {
        match &self {
            Self::AgentUdp(address) => {
                let host = address.ip().to_string();
                agent_address::check_port(setting, &address.to_string(), &host, address.port())?;
            }
            Self::CollectorHttp(url) => collector_url::check(setting, url)?,
        }
        Ok(self)
    }
}

impl FromStr for JaegerEndpoint {
    type Err = TelemetryError;

    /// Parses a collector if the value starts with `http://` or `https://`, or else an agent.
    fn from_str(endpoint: &str) -> Result<Self, Self::Err> {
        const SETTING: &str = "JaegerEndpoint";
        match is_http(endpoint) {
            true => collector_url::parse(SETTING, endpoint).map(Self::CollectorHttp),
            false => agent_address::parse(SETTING, endpoint).map(Self::AgentUdp),
        }
    }
}

/// Prints neither the user nor the query, because both may be secret.
impl fmt::Display for JaegerEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentUdp(address) => write!(f, "udp://{address}"),
            Self::CollectorHttp(url) => f.write_str(&redact(url.as_str())),
        }
    }
}

impl fmt::Debug for JaegerEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JaegerEndpoint({self})")
    }
}
