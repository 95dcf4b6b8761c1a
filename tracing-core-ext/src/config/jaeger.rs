//! Export to Jaeger.

use std::{fmt, time::Duration};

use super::env::{Env, words::Words};
use crate::base::{error::TelemetryError, redacted_url::RedactedUrl};

pub(crate) const AGENT_HOST: &str = "OTEL_EXPORTER_JAEGER_AGENT_HOST";
pub(crate) const AGENT_PORT: &str = "OTEL_EXPORTER_JAEGER_AGENT_PORT";
pub(crate) const COLLECTOR: &str = "OTEL_EXPORTER_JAEGER_ENDPOINT";
const USER: &str = "OTEL_EXPORTER_JAEGER_USER";
const PASSWORD: &str = "OTEL_EXPORTER_JAEGER_PASSWORD";
const TIMEOUT: &str = "OTEL_EXPORTER_JAEGER_TIMEOUT";
const PROTOCOL: &str = "OTEL_EXPORTER_JAEGER_PROTOCOL";

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Address of an agent or a collector. It is checked when the exporter starts, because code may set
/// another address.
#[derive(Clone, Debug, Default)]
pub(crate) struct JaegerConfig {
    pub(crate) agent_host: Option<String>,
    pub(crate) agent_port: Option<u16>,
    collector: Option<RedactedUrl>,
    protocol: Option<Protocol>,
    pub(crate) credentials: Option<Credentials>,
    /// Time limit of one export to a collector with all its attempts.
    pub(crate) timeout: Duration,
}

/// User and password for Basic authentication at a collector.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Protocol {
    Udp,
    Http,
}

const PROTOCOLS: Words<Protocol> = Words {
    known: &[("udp/thrift.compact", Protocol::Udp), ("http/thrift.binary", Protocol::Http)],
    unsupported: &["grpc", "udp/thrift.binary"],
};

impl JaegerConfig {
    /// Returns the variable that sets the address of a collector or an agent, and its value.
    pub(crate) fn named(&self) -> Option<(&'static str, String)> {
        let collector = self.collector.as_ref().map(|url| (COLLECTOR, url.to_string()));
        collector.or_else(|| Some((AGENT_HOST, self.agent_host.clone()?)))
    }

    /// Returns the URL of the collector, unless spans are sent to an agent.
    pub(crate) fn collector(&self) -> Option<&str> {
        const DEFAULT: &str = "http://localhost:14268/api/traces";
        match (self.protocol, &self.collector) {
            (Some(Protocol::Udp), _) | (None, None) => None,
            (_, Some(url)) => Some(url.as_str()),
            (Some(Protocol::Http), None) => Some(DEFAULT),
        }
    }
}

impl Env {
    pub(super) fn jaeger(&self) -> Result<JaegerConfig, TelemetryError> {
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
        Ok(JaegerConfig {
            agent_host: trimmed(self.text(AGENT_HOST)?),
            agent_port: self.port(AGENT_PORT, "a port such as 6831")?,
            collector: trimmed(self.text(COLLECTOR)?).map(RedactedUrl::from),
            protocol: self.choice([PROTOCOL], &PROTOCOLS)?,
            credentials: self.jaeger_credentials()?,
            timeout: self.timeout([TIMEOUT])?.unwrap_or(DEFAULT_TIMEOUT),
        })
    }

    fn jaeger_credentials(&self) -> Result<Option<Credentials>, TelemetryError> {
        let lacks = |name, other| {
            let error = TelemetryError::setting(name, "***", format!("{other} beside it"));
            self.findings.ignore(error)
        };
        match (self.text(USER)?, self.text(PASSWORD)?) {
            (Some(user), Some(password)) => Ok(Some(Credentials { user, password })),
            (Some(_), None) => lacks(USER, PASSWORD),
            (None, Some(_)) => lacks(PASSWORD, USER),
            (None, None) => Ok(None),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}
