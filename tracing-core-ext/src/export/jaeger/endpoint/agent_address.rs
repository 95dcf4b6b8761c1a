use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use super::{
    parts::{host_and_port, is_host, is_http},
    ports::{self, wrong_port_hint},
};
use crate::base::{error::TelemetryError, redacted_url::redact};

const OF_COLLECTOR: &str = "; a URL is the address of a collector: use JaegerEndpoint::collector() or \
                            OTEL_EXPORTER_JAEGER_ENDPOINT";
const HOST: &str = "a host without a port such as localhost, because OTEL_EXPORTER_JAEGER_AGENT_PORT sets the port";

/// Parses and resolves `host:port`.
pub(super) fn parse(setting: &'static str, value: &str) -> Result<SocketAddr, TelemetryError> {
    let Some((host, port)) = host_and_port(value) else {
        let hint = match value.split_once("://") {
            Some(_) if is_http(value) => OF_COLLECTOR,
            Some(_) => ", without a scheme",
            None => "",
        };
        let expected = format!("host:port of an agent such as localhost:6831{hint}");
        return Err(TelemetryError::setting(setting, redact(value), expected));
    };
    check_port(setting, value, host, port)?;
    resolve(setting, value, host, port)
}

/// Checks a host that has a variable of its own.
pub(crate) fn check_host(setting: &'static str, host: &str) -> Result<(), TelemetryError> {
    if is_host(host) || host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let hint = if is_http(host) { OF_COLLECTOR } else { "" };
    Err(TelemetryError::setting(setting, redact(host), format!("{HOST}{hint}")))
}

/// Checks a port that has a setting of its own.
pub(super) fn check_port_alone(setting: &'static str, port: u16) -> Result<(), TelemetryError> {
    port_problem(port).map_or(Ok(()), |hint| {
        let expected = format!("a port such as {}{hint}", ports::AGENT);
        Err(TelemetryError::setting(setting, port.to_string(), expected))
    })
}

pub(super) fn check_port(
    setting: &'static str,
    value: &str,
    host: &str,
    port: u16,
) -> Result<(), TelemetryError> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    port_problem(port).map_or(Ok(()), |hint| {
        let expected = format!("host:port of an agent such as {host}:{}{hint}", ports::AGENT);
        Err(TelemetryError::setting(setting, value, expected))
    })
}

fn port_problem(port: u16) -> Option<String> {
    match port {
        0 => Some(String::new()),
        port => wrong_port_hint(port, ports::AGENT),
    }
}

/// Resolves a host, to an IPv4 address if it has one, because an agent may not listen on IPv6.
/// `value` is the value of the setting.
pub(crate) fn resolve(
    setting: &'static str,
    value: &str,
    host: &str,
    port: u16,
) -> Result<SocketAddr, TelemetryError> {
    let refused = |why: String| {
        let expected = format!("an IP address or the name of a host that has one ({why})");
        TelemetryError::setting(setting, value, expected)
    };
    let found = (host, port).to_socket_addrs().map_err(|error| refused(error.to_string()))?;
    let found: Vec<SocketAddr> = found.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| refused("none was found".to_owned()))
}
