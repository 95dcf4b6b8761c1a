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
#[derive(Clone, PartialEq, Eq)]
pub enum JaegerEndpoint {
    /// An agent, which takes Thrift's compact protocol over UDP. What nobody listens for is counted as lost where the
    /// system tells; whether the rest has arrived nobody says. At most 10 MB a second are sent, for an agent loses what
    /// comes faster. Of a span above 65,000 bytes long strings are cut, with the tag `jaeger.cut_to_characters`, and
    /// where that does not suffice events are dropped.
    AgentUdp(SocketAddr),
    /// A collector, which takes Thrift's binary protocol over HTTP, at a URL complete with its path `/api/traces`. An export
    /// that fails for now is tried again within `OTEL_EXPORTER_JAEGER_TIMEOUT`, as over OTLP.
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
        agent_address::parse("JaegerEndpoint::agent()", host_and_port).map(Self::AgentUdp)
    }

    /// The collector at this URL, used as it is.
    ///
    /// # Errors
    ///
    /// When this is no `http` or `https` URL, does not end in `/api/traces`, carries credentials (set
    /// `OTEL_EXPORTER_JAEGER_USER` and `OTEL_EXPORTER_JAEGER_PASSWORD`), or has a port known to be somebody else's.
    pub fn collector(url: &str) -> Result<Self, TelemetryError> {
        collector_url::parse("JaegerEndpoint::collector()", url).map(Self::CollectorHttp)
    }

    /// The collector or agent of the environment, or else the agent next to the service.
    ///
    /// # Errors
    ///
    /// If nothing can be delivered there.
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
    /// If nothing can be delivered there.
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

    /// A collector if this begins with `http://` or `https://`, else an agent.
    fn from_str(endpoint: &str) -> Result<Self, Self::Err> {
        const SETTING: &str = "JaegerEndpoint";
        match is_http(endpoint) {
            true => collector_url::parse(SETTING, endpoint).map(Self::CollectorHttp),
            false => agent_address::parse(SETTING, endpoint).map(Self::AgentUdp),
        }
    }
}

/// Without user and query: both may be secret.
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
