use super::*;
use crate::config::{
    Config,
    env::{Env, findings::Findings},
};

fn refusal(result: Result<JaegerEndpoint, TelemetryError>) -> String {
    result.unwrap_err().to_string()
}

fn assert_agent_refused(value: &str, expected: &str) {
    let error = refusal(JaegerEndpoint::agent(value));
    assert_eq!(error, format!("JaegerEndpoint::agent()={value:?}: expected {expected}"));
}

fn assert_collector_refused(value: &str, expected: &str) {
    let error = refusal(JaegerEndpoint::collector(value));
    assert_eq!(error, format!("JaegerEndpoint::collector()={value:?}: expected {expected}"));
}

#[test]
fn an_agent_is_an_address_or_the_name_of_a_host_with_a_port() {
    for (value, address) in [
        ("127.0.0.1:6831", "127.0.0.1:6831"),
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("[::1]:6831", "[::1]:6831"),
        ("localhost:6831", "127.0.0.1:6831"),
    ] {
        let expected = JaegerEndpoint::AgentUdp(address.parse().unwrap());
        assert_eq!(JaegerEndpoint::agent(value).unwrap(), expected);
        assert_eq!(value.parse::<JaegerEndpoint>().unwrap(), expected);
        assert_eq!(expected.to_string(), format!("udp://{address}"));
    }
}

#[test]
fn a_collector_is_a_url_that_ends_in_its_path() {
    for url in [
        "http://localhost:14268/api/traces",
        "https://a.example/api/traces",
        "http://a.example:8080/jaeger/api/traces?format=jaeger.thrift",
    ] {
        let expected = JaegerEndpoint::CollectorHttp(url.parse().unwrap());
        assert_eq!(JaegerEndpoint::collector(url).unwrap(), expected);
        assert_eq!(url.parse::<JaegerEndpoint>().unwrap(), expected);
    }
}

#[test]
fn a_url_is_not_an_agent() {
    for value in ["http://localhost:6831", "https://jaeger:14268/api/traces"] {
        assert_agent_refused(
            value,
            "host:port of an agent such as localhost:6831; a URL is the address of a collector: \
             use JaegerEndpoint::collector() or OTEL_EXPORTER_JAEGER_ENDPOINT",
        );
    }
    let value = "udp://localhost:6831";
    let expected = "host:port of an agent such as localhost:6831, without a scheme";
    assert_agent_refused(value, expected);
    let error = refusal(value.parse());
    assert_eq!(error, format!("JaegerEndpoint={value:?}: expected {expected}"));
}

#[test]
fn an_agent_requires_a_host_and_a_port() {
    for value in [
        "localhost",
        "localhost:",
        "localhost:port",
        "localhost:65536",
        ":6831",
        "::1",
        "[localhost]:6831",
        "localhost/x:6831",
        "",
    ] {
        assert_agent_refused(value, "host:port of an agent such as localhost:6831");
    }
}

#[test]
fn a_port_of_another_protocol_is_refused_for_an_agent() {
    let collectors = ": use JaegerEndpoint::collector() or OTEL_EXPORTER_JAEGER_ENDPOINT";
    let otlp = ": use otlp_endpoint() or OTEL_EXPORTER_OTLP_ENDPOINT";
    for (port, what, instead) in [
        (4317, "accepts OTLP over gRPC", otlp),
        (4318, "accepts OTLP over HTTP", otlp),
        (5775, "is an agent's port for Zipkin's Thrift", ""),
        (5778, "is an agent's port for sampling strategies", ""),
        (6832, "is an agent's port for the binary protocol", ""),
        (9411, "takes Zipkin's formats", ""),
        (14250, "is a collector's port for gRPC", collectors),
        (14268, "is a collector's port for HTTP", collectors),
        (14269, "is a collector's port for its health", collectors),
        (16685, "answers queries and accepts no spans", ""),
        (16686, "shows traces and accepts no spans", ""),
    ] {
        assert_agent_refused(
            &format!("jaeger:{port}"),
            &format!("host:port of an agent such as jaeger:6831; port {port} {what}{instead}"),
        );
    }
    assert_agent_refused("[::1]:0", "host:port of an agent such as [::1]:6831");
}

#[test]
fn an_agent_that_cannot_be_resolved_is_refused_with_the_reason() {
    let error = refusal(JaegerEndpoint::agent("jaeger.invalid:6831"));
    let start = "JaegerEndpoint::agent()=\"jaeger.invalid:6831\": expected an IP address or the \
                 name of a host that has one (";
    assert!(error.starts_with(start) && error.len() > start.len() + 2, "{error}");
}

#[test]
fn a_collector_requires_an_absolute_http_url() {
    const URL: &str =
        "an absolute http:// or https:// URL such as http://localhost:14268/api/traces";
    for value in ["localhost", "/api/traces", "grpc://jaeger:14250", "http://", "http://a b", ""] {
        assert_collector_refused(value, URL);
    }
    let agents = "; port 6831 is an agent's port for UDP: use JaegerEndpoint::agent() or \
                  OTEL_EXPORTER_JAEGER_AGENT_HOST";
    assert_collector_refused("localhost:6831", &format!("{URL}{agents}"));
    assert_collector_refused("localhost:14268", URL);
}

#[test]
fn a_missing_path_is_shown_in_the_error() {
    for (value, expected) in [
        ("http://jaeger:14268", "http://jaeger:14268/api/traces, complete with its path"),
        ("http://jaeger:14268/", "http://jaeger:14268/api/traces, complete with its path"),
        ("http://jaeger/in/", "http://jaeger/in/api/traces, complete with its path"),
        ("http://jaeger/api/traces/", "http://jaeger/api/traces, complete with its path"),
        (
            "http://jaeger/xapi/traces",
            "http://jaeger/xapi/traces/api/traces, complete with its path",
        ),
        (
            "http://jaeger:14268/v1/traces",
            "http://jaeger:14268/api/traces; /v1/traces is the path of OTLP: \
             use otlp_endpoint() or OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
    ] {
        assert_collector_refused(value, expected);
    }
}

#[test]
fn a_port_of_another_protocol_is_refused_for_a_collector() {
    let agents = ": use JaegerEndpoint::agent() or OTEL_EXPORTER_JAEGER_AGENT_HOST";
    let otlp = ": use otlp_endpoint() or OTEL_EXPORTER_OTLP_ENDPOINT";
    for (port, what, instead) in [
        (4317, "accepts OTLP over gRPC", otlp),
        (4318, "accepts OTLP over HTTP", otlp),
        (5775, "is an agent's port for Zipkin's Thrift", agents),
        (5778, "is an agent's port for sampling strategies", agents),
        (6831, "is an agent's port for UDP", agents),
        (6832, "is an agent's port for the binary protocol", agents),
        (9411, "takes Zipkin's formats", ""),
        (14250, "is a collector's port for gRPC", ""),
        (14269, "is a collector's port for its health", ""),
        (16685, "answers queries and accepts no spans", ""),
        (16686, "shows traces and accepts no spans", ""),
    ] {
        for path in ["/api/traces", "/v1/traces", "/"] {
            assert_collector_refused(
                &format!("http://jaeger:{port}{path}"),
                &format!("http://jaeger:14268/api/traces; port {port} {what}{instead}"),
            );
        }
    }
}

#[test]
fn credentials_are_refused_and_hidden_with_the_variables_for_them() {
    let error = refusal(JaegerEndpoint::collector("http://me:secret@jaeger:14268/api/traces"));
    assert_eq!(
        error,
        "JaegerEndpoint::collector()=\"http://***@jaeger:14268/api/traces\": expected a URL \
         without credentials: set OTEL_EXPORTER_JAEGER_USER and OTEL_EXPORTER_JAEGER_PASSWORD"
    );
}

#[test]
fn a_query_is_never_shown() {
    let endpoint = JaegerEndpoint::collector("http://jaeger/api/traces?key=secret").unwrap();
    assert_eq!(endpoint.to_string(), "http://jaeger/api/traces?***");
    let error = refusal(JaegerEndpoint::collector("http://jaeger/?key=secret"));
    assert!(!error.contains("secret"), "{error}");
}

fn check(endpoint: &JaegerEndpoint) -> Result<(), String> {
    endpoint.clone().checked("jaeger()").map(drop).map_err(|error| error.to_string())
}

#[test]
fn endpoints_built_in_code_are_checked_as_well() {
    let agent = JaegerEndpoint::AgentUdp(([127, 0, 0, 1], 14268).into());
    assert_eq!(
        check(&agent).unwrap_err(),
        "jaeger()=\"127.0.0.1:14268\": expected host:port of an agent such as 127.0.0.1:6831; \
         port 14268 is a collector's port for HTTP: use JaegerEndpoint::collector() or \
         OTEL_EXPORTER_JAEGER_ENDPOINT"
    );
    let collector = JaegerEndpoint::CollectorHttp("http://127.0.0.1:4318".parse().unwrap());
    assert_eq!(
        check(&collector).unwrap_err(),
        "jaeger()=\"http://127.0.0.1:4318/\": expected http://127.0.0.1:14268/api/traces; \
         port 4318 accepts OTLP over HTTP: use otlp_endpoint() or OTEL_EXPORTER_OTLP_ENDPOINT"
    );
    let no_url = JaegerEndpoint::CollectorHttp("mailto:jaeger".parse().unwrap());
    assert!(check(&no_url).unwrap_err().contains("expected an absolute http:// or https:// URL"));
    assert_eq!(check(&JaegerEndpoint::AgentUdp(([127, 0, 0, 1], 1).into())), Ok(()));
    assert_eq!(check(&JaegerEndpoint::collector("http://[::1]/api/traces").unwrap()), Ok(()));
}

#[test]
fn a_collector_that_cannot_be_resolved_is_refused_unless_a_proxy_may_resolve_it() {
    let unknown = JaegerEndpoint::collector("http://jaeger.invalid/api/traces").unwrap();
    let start = "jaeger()=\"http://jaeger.invalid/api/traces\": expected a URL of a host that has \
                 an IP address (";
    match super::collector_url::may_be_proxied() {
        true => assert_eq!(check(&unknown), Ok(())),
        false => assert!(check(&unknown).unwrap_err().starts_with(start)),
    }
}

#[test]
fn https_requires_the_feature_tls() {
    let endpoint = JaegerEndpoint::collector("https://127.0.0.1/api/traces").unwrap();
    let refused = "jaeger()=\"https://127.0.0.1/api/traces\": expected an http:// URL, because the \
                   feature `tls` of tracing-core-ext is off";
    let expected = if cfg!(feature = "tls") { Ok(()) } else { Err(refused.to_owned()) };
    assert_eq!(check(&endpoint), expected);
}

#[test]
fn debug_output_shows_no_secrets() {
    let endpoint = JaegerEndpoint::collector("http://localhost/api/traces?key=secret").unwrap();
    assert_eq!(format!("{endpoint:?}"), "JaegerEndpoint(http://localhost/api/traces?***)");
    let by_hand = "http://me:secret@localhost/api/traces".parse().unwrap();
    let shown = format!("{:?}", JaegerEndpoint::CollectorHttp(by_hand));
    assert_eq!(shown, "JaegerEndpoint(http://***@localhost/api/traces)");
}

fn config(set: &'static [(&str, &str)]) -> Result<Config, TelemetryError> {
    let lookup = |name: &str| {
        let found = set.iter().find(|(key, _)| *key == name)?;
        Some(found.1.to_owned())
    };
    Config::read(&Env::from_fn(lookup).with_findings(Findings::strict(true)))
}

fn from_config(set: &'static [(&str, &str)]) -> Result<String, String> {
    let endpoint = JaegerEndpoint::from_config(&config(set).unwrap().jaeger);
    endpoint.map(|found| found.to_string()).map_err(|error| error.to_string())
}

fn assert_refused(name: &'static str, value: &'static str, expected: &str) {
    let set: &'static [(&str, &str)] = Vec::from([(name, value)]).leak();
    assert_eq!(from_config(set).unwrap_err(), format!("{name}={value:?}: expected {expected}"));
}

#[test]
fn an_empty_environment_selects_the_agent_on_this_host() {
    for set in [&[][..], &[(AGENT_HOST, ""), (COLLECTOR, "")]] {
        assert_eq!(from_config(set).unwrap(), "udp://127.0.0.1:6831");
        assert_eq!(config(set).unwrap().jaeger.named(), None);
    }
}

#[test]
fn an_agent_of_the_environment_is_a_host_and_a_port() {
    let set = &[(AGENT_HOST, " 127.0.0.2 "), (AGENT_PORT, " 7000 ")];
    assert_eq!(from_config(set).unwrap(), "udp://127.0.0.2:7000");
    assert_eq!(from_config(&[(AGENT_HOST, "::1")]).unwrap(), "udp://[::1]:6831");
    assert_eq!(from_config(&[(AGENT_PORT, "7000")]).unwrap(), "udp://127.0.0.1:7000");
}

#[test]
fn a_collector_comes_before_an_agent_unless_the_protocol_is_that_of_agents() {
    const URL: &str = "http://127.0.0.1:14268/api/traces";
    const PROTOCOL: &str = "OTEL_EXPORTER_JAEGER_PROTOCOL";
    for (set, endpoint) in [
        (&[(COLLECTOR, URL), (AGENT_HOST, "localhost")][..], URL),
        (&[(COLLECTOR, URL), (PROTOCOL, "http/thrift.binary")], URL),
        (&[(COLLECTOR, URL), (PROTOCOL, "udp/thrift.compact")], "udp://127.0.0.1:6831"),
        (&[(PROTOCOL, "http/thrift.binary")], "http://localhost:14268/api/traces"),
    ] {
        assert_eq!(from_config(set).unwrap(), endpoint, "{set:?}");
    }
}

#[test]
fn a_wrong_address_of_the_environment_is_refused_with_a_correction() {
    const HOST: &str = "a host without a port such as localhost, because OTEL_EXPORTER_JAEGER_AGENT_PORT sets the port";
    assert_refused(AGENT_HOST, "localhost:6831", HOST);
    let url = "; a URL is the address of a collector: use JaegerEndpoint::collector() or \
               OTEL_EXPORTER_JAEGER_ENDPOINT";
    assert_refused(AGENT_HOST, "http://localhost:14268", &format!("{HOST}{url}"));
    assert_refused(AGENT_PORT, "0", "a port such as 6831");
    let expected = "a port such as 6831; port 4318 accepts OTLP over HTTP: use otlp_endpoint() \
                    or OTEL_EXPORTER_OTLP_ENDPOINT";
    assert_refused(AGENT_PORT, "4318", expected);
    let expected = "http://jaeger:14268/api/traces, complete with its path";
    assert_refused(COLLECTOR, "http://jaeger:14268", expected);
    let error = from_config(&[(AGENT_HOST, "jaeger.invalid")]).unwrap_err();
    let start = "OTEL_EXPORTER_JAEGER_AGENT_HOST=\"jaeger.invalid\": expected an IP address \
                 or the name of a host that has one (";
    assert!(error.starts_with(start), "{error}");
}
