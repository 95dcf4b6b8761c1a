use std::{fmt, time::Duration};

use super::env::Env;
use crate::{
    base::error::TelemetryError,
    export::jaeger::{JaegerEndpoint, agent_address, collector_url},
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
pub(crate) struct JaegerConfig {
    receiver: JaegerTransport,
    is_named: bool,
    pub(crate) credentials: Option<Credentials>,
    /// Of an export to a collector, with all its attempts.
    pub(crate) timeout: Duration,
}

/// Not resolved, as code may name another.
#[derive(Debug)]
enum JaegerTransport {
    Agent { host: String, port: u16 },
    Collector(JaegerEndpoint),
}

/// For a collector, by Basic authentication.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

enum Protocol {
    Udp,
    Http,
}

impl JaegerConfig {
    /// Whether the environment says anything of where Jaeger is.
    pub(crate) fn is_named(&self) -> bool {
        self.is_named
    }

    /// What code names, or else the environment, or else the agent next to the service. It has been checked and, as far
    /// as may be, resolved.
    pub(crate) fn endpoint(
        &self,
        in_code: Option<JaegerEndpoint>,
    ) -> Result<JaegerEndpoint, TelemetryError> {
        if let Some(endpoint) = in_code {
            endpoint.check("jaeger()")?;
            return Ok(endpoint);
        }
        match &self.receiver {
            JaegerTransport::Agent { host, port } => {
                let address = agent_address::resolve(AGENT_HOST, host, host, *port)?;
                Ok(JaegerEndpoint::AgentUdp(address))
            }
            JaegerTransport::Collector(endpoint) => {
                endpoint.check(COLLECTOR)?;
                Ok(endpoint.clone())
            }
        }
    }
}

impl Env {
    pub(super) fn jaeger(&self) -> Result<JaegerConfig, TelemetryError> {
        let timeout = self.milliseconds([TIMEOUT])?.unwrap_or(Duration::from_secs(10));
        let credentials = self.jaeger_credentials()?;
        let is_named = self.first_set([COLLECTOR, AGENT_HOST])?.is_some();
        Ok(JaegerConfig { receiver: self.jaeger_receiver()?, is_named, credentials, timeout })
    }

    /// Both are checked, whichever is used.
    fn jaeger_receiver(&self) -> Result<JaegerTransport, TelemetryError> {
        let agent = self.jaeger_agent()?;
        let collector = self.text(COLLECTOR)?;
        let collector = collector.map(|url| parse_collector(&url));
        match (self.jaeger_protocol()?, collector.transpose()?) {
            (Some(Protocol::Udp), _) | (None, None) => Ok(agent),
            (_, Some(collector)) => Ok(JaegerTransport::Collector(collector)),
            (Some(Protocol::Http), None) => {
                parse_collector("http://localhost:14268/api/traces").map(JaegerTransport::Collector)
            }
        }
    }

    fn jaeger_agent(&self) -> Result<JaegerTransport, TelemetryError> {
        let host = self.text(AGENT_HOST)?.unwrap_or_else(|| "localhost".to_owned());
        let host = host.trim().to_owned();
        agent_address::check_host(AGENT_HOST, &host)?;
        let port = self.text(AGENT_PORT)?;
        let port = port.map(|port| agent_address::parse_port(AGENT_PORT, &port)).transpose()?;
        Ok(JaegerTransport::Agent { host, port: port.unwrap_or(6831) })
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

fn parse_collector(url: &str) -> Result<JaegerEndpoint, TelemetryError> {
    collector_url::parse(COLLECTOR, url.trim()).map(JaegerEndpoint::CollectorHttp)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &'static [(&str, &str)]) -> Result<JaegerConfig, TelemetryError> {
        let variables = Env::from_fn(|name| {
            let found = set.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        });
        variables.jaeger()
    }

    fn endpoint(set: &'static [(&str, &str)]) -> String {
        read(set).unwrap().endpoint(None).unwrap().to_string()
    }

    fn assert_refused(name: &'static str, value: &'static str, expected: &str) {
        let variables = Env::from_fn(move |key| (key == name).then(|| value.to_owned()));
        let error = variables.jaeger().unwrap_err().to_string();
        assert_eq!(error, format!("{name}={value:?}: expected {expected}"));
    }

    #[test]
    fn an_empty_environment_means_the_agent_next_to_the_service() {
        for set in [&[][..], &[(AGENT_HOST, ""), (COLLECTOR, ""), (PROTOCOL, "")]] {
            let jaeger = read(set).unwrap();
            assert_eq!(jaeger.endpoint(None).unwrap().to_string(), "udp://127.0.0.1:6831");
            assert_eq!(jaeger.timeout, Duration::from_secs(10));
            assert!(jaeger.credentials.is_none() && !jaeger.is_named());
        }
    }

    #[test]
    fn an_agent_is_a_host_and_a_port() {
        let set = &[(AGENT_HOST, " 127.0.0.2 "), (AGENT_PORT, " 7000 ")];
        assert_eq!(endpoint(set), "udp://127.0.0.2:7000");
        assert_eq!(endpoint(&[(AGENT_HOST, "::1")]), "udp://[::1]:6831");
        assert_eq!(endpoint(&[(AGENT_PORT, "7000")]), "udp://127.0.0.1:7000");
        assert!(read(set).unwrap().is_named());
    }

    #[test]
    fn a_collector_beats_an_agent_unless_the_protocol_says_otherwise() {
        const URL: &str = "http://127.0.0.1:14268/api/traces";
        assert_eq!(endpoint(&[(COLLECTOR, URL), (AGENT_HOST, "localhost")]), URL);
        assert_eq!(endpoint(&[(COLLECTOR, URL), (PROTOCOL, "http/thrift.binary")]), URL);
        let udp = &[(COLLECTOR, URL), (PROTOCOL, "udp/thrift.compact")];
        assert_eq!(endpoint(udp), "udp://127.0.0.1:6831");
        let http = &[(PROTOCOL, "http/thrift.binary")];
        assert_eq!(endpoint(http), "http://localhost:14268/api/traces");
    }

    #[test]
    fn code_beats_the_environment() {
        let jaeger = read(&[(COLLECTOR, "http://jaeger.invalid:14268/api/traces")]).unwrap();
        let in_code = JaegerEndpoint::AgentUdp(([127, 0, 0, 1], 6831).into());
        assert_eq!(jaeger.endpoint(Some(in_code.clone())).unwrap(), in_code);
    }

    #[test]
    fn what_cannot_be_resolved_is_refused_only_where_it_is_used() {
        let jaeger = read(&[(AGENT_HOST, "jaeger.invalid")]).unwrap();
        let error = jaeger.endpoint(None).unwrap_err().to_string();
        let start = "OTEL_EXPORTER_JAEGER_AGENT_HOST=\"jaeger.invalid\": expected an IP address \
                     or the name of a host that has one (";
        assert!(error.starts_with(start), "{error}");
    }

    #[test]
    fn a_wrong_host_is_refused_with_what_to_write_instead() {
        const HOST: &str =
            "a host alone such as localhost, for its port is OTEL_EXPORTER_JAEGER_AGENT_PORT";
        assert_refused(AGENT_HOST, "localhost:6831", HOST);
        let url = "; a URL is of a collector: use JaegerEndpoint::collector() or \
                   OTEL_EXPORTER_JAEGER_ENDPOINT";
        assert_refused(AGENT_HOST, "http://localhost:14268", &format!("{HOST}{url}"));
    }

    #[test]
    fn a_wrong_port_is_refused_with_what_to_write_instead() {
        for value in ["0", "-1", "70000", "udp"] {
            assert_refused(AGENT_PORT, value, "a port such as 6831");
        }
        let expected = "a port such as 6831; port 4318 takes OTLP over HTTP: use otlp_endpoint() \
                        or OTEL_EXPORTER_OTLP_ENDPOINT";
        assert_refused(AGENT_PORT, "4318", expected);
    }

    #[test]
    fn a_wrong_url_protocol_or_timeout_is_refused() {
        let expected = "http://jaeger:14268/api/traces, complete with its path";
        assert_refused(COLLECTOR, "http://jaeger:14268", expected);
        for value in ["grpc", "udp/thrift.binary"] {
            assert_refused(PROTOCOL, value, "udp/thrift.compact or http/thrift.binary");
        }
        assert_refused(TIMEOUT, "10s", "a whole number greater than 0");
    }

    #[test]
    fn user_and_password_come_together_and_are_never_shown() {
        assert_refused(USER, "me", "OTEL_EXPORTER_JAEGER_PASSWORD beside it");
        let error = read(&[(PASSWORD, "secret")]).unwrap_err().to_string();
        let expected = "OTEL_EXPORTER_JAEGER_PASSWORD=\"***\": expected \
                        OTEL_EXPORTER_JAEGER_USER beside it";
        assert_eq!(error, expected);
        const URL: &str = "http://localhost/api/traces?key=secret";
        let jaeger = read(&[(USER, "me"), (PASSWORD, "secret"), (COLLECTOR, URL)]).unwrap();
        assert!(!format!("{jaeger:?}").contains("secret"));
    }
}
