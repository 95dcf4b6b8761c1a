use std::{fmt, time::Duration};

use reqwest::Url;

use super::variables::Variables;
use crate::telemetry::{
    error::TelemetryError,
    jaeger::{JaegerEndpoint, agent_port, collector_url, resolve_agent},
};

const AGENT_HOST: &str = "OTEL_EXPORTER_JAEGER_AGENT_HOST";
const AGENT_PORT: &str = "OTEL_EXPORTER_JAEGER_AGENT_PORT";
const COLLECTOR: &str = "OTEL_EXPORTER_JAEGER_ENDPOINT";
const USER: &str = "OTEL_EXPORTER_JAEGER_USER";
const PASSWORD: &str = "OTEL_EXPORTER_JAEGER_PASSWORD";
const TIMEOUT: &str = "OTEL_EXPORTER_JAEGER_TIMEOUT";
const PROTOCOL: &str = "OTEL_EXPORTER_JAEGER_PROTOCOL";

/// Where spans go when they go to Jaeger, and how.
#[derive(Debug)]
pub(in crate::telemetry) struct Jaeger {
    receiver: Receiver,
    is_named: bool,
    pub(in crate::telemetry) credentials: Option<Credentials>,
    /// Of one request to a collector.
    pub(in crate::telemetry) timeout: Duration,
}

/// Not resolved, as code may name another.
#[derive(Debug)]
enum Receiver {
    Agent { host: String, port: u16 },
    Collector(Url),
}

/// For a collector, by Basic authentication.
#[derive(Clone)]
pub(in crate::telemetry) struct Credentials {
    pub(in crate::telemetry) user: String,
    pub(in crate::telemetry) password: String,
}

enum Protocol {
    Udp,
    Http,
}

impl Jaeger {
    /// Whether the environment says anything of where Jaeger is.
    pub(in crate::telemetry) fn is_named(&self) -> bool {
        self.is_named
    }

    /// What code names, or else the environment, or else the agent next to the service. It has been checked and, as far
    /// as may be, resolved.
    pub(in crate::telemetry) fn endpoint(
        &self,
        in_code: Option<JaegerEndpoint>,
    ) -> Result<JaegerEndpoint, TelemetryError> {
        if let Some(endpoint) = in_code {
            endpoint.check("jaeger()")?;
            return Ok(endpoint);
        }
        match &self.receiver {
            Receiver::Agent { host, port } => resolve_agent(AGENT_HOST, host, host, *port),
            Receiver::Collector(url) => {
                let endpoint = JaegerEndpoint::CollectorHttp(url.clone());
                endpoint.check(COLLECTOR)?;
                Ok(endpoint)
            }
        }
    }
}

impl Variables {
    pub(super) fn jaeger(&self) -> Result<Jaeger, TelemetryError> {
        let timeout = self.milliseconds(TIMEOUT)?.unwrap_or(Duration::from_secs(10));
        let credentials = self.jaeger_credentials()?;
        let is_named = self.first([COLLECTOR, AGENT_HOST])?.is_some();
        Ok(Jaeger { receiver: self.jaeger_receiver()?, is_named, credentials, timeout })
    }

    /// Both are checked, whichever is used.
    fn jaeger_receiver(&self) -> Result<Receiver, TelemetryError> {
        let host = self.text(AGENT_HOST)?.map(|host| host.trim().to_owned());
        let port = self.text(AGENT_PORT)?.map(|port| agent_port(AGENT_PORT, &port)).transpose()?;
        let collector = self.text(COLLECTOR)?;
        let collector = collector.map(|url| collector_url(COLLECTOR, url.trim())).transpose()?;
        let agent = Receiver::Agent {
            host: host.unwrap_or_else(|| "localhost".to_owned()),
            port: port.unwrap_or(6831),
        };
        match (self.jaeger_protocol()?, collector) {
            (Some(Protocol::Udp), _) | (None, None) => Ok(agent),
            (_, Some(url)) => Ok(Receiver::Collector(url)),
            (Some(Protocol::Http), None) => {
                let url = collector_url(COLLECTOR, "http://localhost:14268/api/traces")?;
                Ok(Receiver::Collector(url))
            }
        }
    }

    fn jaeger_protocol(&self) -> Result<Option<Protocol>, TelemetryError> {
        let Some(protocol) = self.text(PROTOCOL)? else {
            return Ok(None);
        };
        match protocol.trim() {
            "udp/thrift.compact" => Ok(Some(Protocol::Udp)),
            "http/thrift.binary" => Ok(Some(Protocol::Http)),
            _ => {
                let expected = "udp/thrift.compact or http/thrift.binary";
                Err(TelemetryError::setting(PROTOCOL, protocol, expected))
            }
        }
    }

    fn jaeger_credentials(&self) -> Result<Option<Credentials>, TelemetryError> {
        match (self.text(USER)?, self.text(PASSWORD)?) {
            (Some(user), Some(password)) => Ok(Some(Credentials { user, password })),
            (Some(user), None) => {
                Err(TelemetryError::setting(USER, user, format!("{PASSWORD} beside it")))
            }
            (None, Some(_)) => {
                Err(TelemetryError::setting(PASSWORD, "***", format!("{USER} beside it")))
            }
            (None, None) => Ok(None),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}
