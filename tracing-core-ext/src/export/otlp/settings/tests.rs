use std::sync::Arc;

use super::*;
use crate::{
    config::{
        Config,
        env::{Env, findings::Findings},
        otlp::{METRICS, TRACES},
    },
    export::{delivery::ExportState, otlp::client::OtlpClient},
};

type Set = Vec<(String, String)>;

fn variables(set: Set) -> Env {
    Env::from_fn(move |name| {
        let found = set.iter().find(|(key, _)| *key == name)?;
        Some(found.1.clone())
    })
}

fn resolved(code: &Otlp, set: Set, signal: &str) -> Result<Settings, TelemetryError> {
    resolve(code, &Config::read(&variables(set))?, signal)
}

fn resolve(code: &Otlp, config: &Config, signal: &str) -> Result<Settings, TelemetryError> {
    match signal {
        "TRACES" => Settings::resolve(code, &TRACES, &config.otlp, config),
        _ => Settings::resolve(code, &METRICS, &config.metrics.otlp, config),
    }
}

fn refusal(code: &Otlp, set: &[(&str, &str)]) -> String {
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    resolved(code, set.collect(), "TRACES").unwrap_err().to_string()
}

/// Values of one setting in each place, and the text of each in the resolved settings.
struct Row {
    variable: &'static str,
    code: fn(Otlp) -> Otlp,
    of_signal: String,
    general: String,
    seen: fn(&Settings) -> String,
    code_seen: &'static str,
    signal_seen: String,
    general_seen: String,
    default_seen: &'static str,
}

/// Returns a row whose values of variables appear unchanged in the resolved settings.
fn row(
    variable: &'static str,
    code: fn(Otlp) -> Otlp,
    [of_signal, general]: [&str; 2],
    seen: fn(&Settings) -> String,
    [code_seen, signal_seen, general_seen, default_seen]: [&'static str; 4],
) -> Row {
    Row {
        variable,
        code,
        of_signal: of_signal.to_owned(),
        general: general.to_owned(),
        seen,
        code_seen,
        signal_seen: signal_seen.to_owned(),
        general_seen: general_seen.to_owned(),
        default_seen,
    }
}

fn rows() -> Vec<Row> {
    let mut rows = words();
    rows.extend(values());
    rows
}

/// Settings with words, each once with the default word in code and once with another one.
fn words() -> Vec<Row> {
    let protocol = |settings: &Settings| format!("{:?}", settings.protocol);
    let compression = |settings: &Settings| format!("{:?}", settings.compression);
    vec![
        row(
            "PROTOCOL",
            |otlp| Otlp { protocol: Some(Protocol::HttpJson), ..otlp },
            ["http/protobuf", "http/json"],
            protocol,
            ["HttpJson", "HttpProtobuf", "HttpJson", "HttpProtobuf"],
        ),
        row(
            "PROTOCOL",
            |otlp| Otlp { protocol: Some(Protocol::HttpProtobuf), ..otlp },
            ["http/json", "http/protobuf"],
            protocol,
            ["HttpProtobuf", "HttpJson", "HttpProtobuf", "HttpProtobuf"],
        ),
        row(
            "COMPRESSION",
            |otlp| otlp.compression(Compression::Gzip),
            ["none", "gzip"],
            compression,
            ["Gzip", "None", "Gzip", "None"],
        ),
        row(
            "COMPRESSION",
            |otlp| otlp.compression(Compression::None),
            ["gzip", "none"],
            compression,
            ["None", "Gzip", "None", "None"],
        ),
    ]
}

/// Settings with any value.
fn values() -> Vec<Row> {
    vec![
        row(
            "ENDPOINT",
            |otlp| otlp.endpoint("http://code:1"),
            ["http://signal:1/own", "http://general:1"],
            |settings| settings.url.as_str().split('/').nth(2).unwrap().to_owned(),
            ["code:1", "signal:1", "general:1", "localhost:4318"],
        ),
        row(
            "HEADERS",
            |otlp| otlp.header("from", "code"),
            ["from=signal", "from=general"],
            |settings| {
                let value = settings.headers.get("from").map(|value| value.to_str().unwrap());
                value.unwrap_or("none").to_owned()
            },
            ["code", "signal", "general", "none"],
        ),
        row(
            "TIMEOUT",
            |otlp| otlp.timeout(Duration::from_millis(1)),
            ["2", "3"],
            |settings| format!("{:?}", settings.timeout),
            ["1ms", "2ms", "3ms", "10s"],
        ),
    ]
}

/// Checks every combination of places that set the value.
fn check(row: &Row) {
    for signal in ["TRACES", "METRICS"] {
        for set in 0..8 {
            let [in_code, in_signal, in_general] = [set & 4 != 0, set & 2 != 0, set & 1 != 0];
            let code = if in_code { (row.code)(Otlp::default()) } else { Otlp::default() };
            let of_signal = format!("OTEL_EXPORTER_OTLP_{signal}_{}", row.variable);
            let general = format!("OTEL_EXPORTER_OTLP_{}", row.variable);
            let mut set = Vec::new();
            set.extend(in_signal.then(|| (of_signal, row.of_signal.clone())));
            set.extend(in_general.then(|| (general, row.general.clone())));

            let seen = (row.seen)(&resolved(&code, set, signal).unwrap());
            let expected = match (in_code, in_signal, in_general) {
                (true, _, _) => row.code_seen,
                (_, true, _) => &row.signal_seen,
                (_, _, true) => &row.general_seen,
                _ => row.default_seen,
            };
            let case = (row.variable, signal, in_code, in_signal, in_general);
            assert_eq!(seen, expected, "{case:?}");
        }
    }
}

#[test]
fn code_beats_the_variable_of_the_signal_which_beats_the_general_one_which_beats_the_default() {
    rows().iter().for_each(check);
}

#[test]
fn headers_that_code_leaves_open_come_from_the_environment() {
    let code = Otlp::default().header("x-tenant", "shop").header("x-tenant", "and more");
    let set = vec![("OTEL_EXPORTER_OTLP_HEADERS".to_owned(), "x-tenant=no,key=secret".to_owned())];
    let headers = resolved(&code, set, "TRACES").unwrap().headers;
    let tenants: Vec<_> = headers.get_all("x-tenant").iter().collect();
    assert_eq!(tenants, ["shop", "and more"]);
    assert_eq!(headers["key"], "secret");
}

#[test]
fn a_timeout_of_zero_in_code_means_no_limit() {
    let code = Otlp::default().timeout(Duration::ZERO);
    let timeout = resolved(&code, Vec::new(), "TRACES").unwrap().timeout;
    assert!(timeout > Duration::from_secs(3_000_000_000), "{timeout:?}");
}

#[test]
fn a_suspicious_endpoint_is_used_with_a_warning_or_refused_by_strict() {
    let set = || vec![("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), "http://c:4317".to_owned())];
    let config = Config::read(&variables(set())).unwrap();
    let settings = resolve(&Otlp::default(), &config, "TRACES").unwrap();
    assert_eq!(settings.url.as_str(), "http://c:4317/v1/traces");
    let error = "OTEL_EXPORTER_OTLP_ENDPOINT=\"http://c:4317\": expected port 4318, where collectors accept OTLP over HTTP, \
                 or OTEL_EXPORTER_OTLP_PROTOCOL=grpc for port 4317";
    let warnings = config.findings.take();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].to_string(), format!("{error}; it is used as it is"));
    let strict = variables(set()).with_findings(Findings::strict(true));
    let refused = resolve(&Otlp::default(), &Config::read(&strict).unwrap(), "TRACES").unwrap_err();
    assert_eq!(refused.to_string(), error);
}

#[test]
fn an_endpoint_is_an_address_or_a_host_that_need_not_resolve_yet() {
    for url in ["http://not-yet.invalid:4318", "http://[::1]:4318", "http://127.0.0.1:4318"] {
        let set = vec![("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), url.to_owned())];
        let settings = resolved(&Otlp::default(), set, "TRACES").unwrap();
        assert_eq!(settings.url.as_str(), format!("{url}/v1/traces"));
    }
}

#[test]
fn an_invalid_endpoint_is_refused_with_its_variable_and_the_expected_form() {
    let error = refusal(&Otlp::http_json(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")]);
    assert_eq!(
        error,
        "OTEL_EXPORTER_OTLP_ENDPOINT=\"localhost:4318\": expected an absolute http:// or https:// \
         URL such as http://localhost:4318"
    );
}

#[test]
fn invalid_values_in_code_are_refused() {
    let secret = Otlp::default().header("x tenant", "secret");
    let error =
        "Otlp::header()=\"x tenant=***\": expected the name and the value of an HTTP header";
    assert_eq!(refusal(&secret, &[]), error);
    let error = refusal(&Otlp::default().header("x-tenant", "secret\n"), &[]);
    assert!(error.starts_with("Otlp::header()=\"x-tenant=***\""), "{error}");

    let error = refusal(&Otlp::default().endpoint("localhost:4318"), &[]);
    assert!(error.starts_with("Otlp::endpoint()=\"localhost:4318\": expected "), "{error}");
}

#[test]
fn resolved_settings_do_not_show_secrets() {
    let variable = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT".to_owned();
    let set = vec![(variable, "http://a.example/?key=secret".to_owned())];
    let environment = Config::read(&variables(set)).unwrap();
    assert!(!format!("{environment:?}").contains("secret"));
    let settings = resolve(&Otlp::default(), &environment, "TRACES").unwrap();
    assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
    let state = ExportState::for_metrics(settings.endpoint.to_string(), Default::default());
    let client = OtlpClient::new(settings, &Arc::new(state)).unwrap();
    assert!(!format!("{client:?}").contains("secret"), "{client:?}");
}

#[test]
fn options_do_not_show_secrets() {
    let otlp = Otlp::default().header("key", "secret").endpoint("http://a.example/?key=secret");
    assert!(!format!("{otlp:?}").contains("secret"));
}

#[test]
fn a_custom_client_may_use_tls_with_its_own_certificates() {
    let code = Otlp::http_json().endpoint("https://collector").http_client(reqwest::Client::new());
    resolved(&code, Vec::new(), "TRACES").unwrap();
    for variable in [
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    ] {
        let error = refusal(&code, &[(variable, "/a.pem")]);
        let expected = "nothing beside Otlp::http_client(), which has its own certificates";
        assert_eq!(error, format!("{variable}=\"/a.pem\": expected {expected}"));
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn certificates_without_tls_are_refused_with_the_feature() {
    for variable in [
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    ] {
        let error = refusal(&Otlp::default(), &[(variable, "/a.pem")]);
        let expected =
            "expected another value, or the feature `tls` of tracing-core-ext, which is off";
        assert_eq!(error, format!("{variable}=\"/a.pem\": {expected}"));
    }
}

mod grpc {
    use super::*;

    fn url(set: &[(&str, &str)]) -> String {
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        resolved(&Otlp::default(), set.collect(), "TRACES").unwrap().url.as_str().to_owned()
    }

    const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const GRPC: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");

    #[test]
    fn grpc_has_its_own_port_and_no_path() {
        assert_eq!(url(&[GRPC]), format!("http://localhost:4317{METHOD}"));
        for variable in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
            let url = url(&[GRPC, (variable, "http://collector:4317/")]);
            assert_eq!(url, format!("http://collector:4317{METHOD}"));
            let error = refusal(&Otlp::grpc(), &[(variable, "http://collector:4317/v1/traces")]);
            assert!(error.ends_with("a URL without a path, because gRPC sets the path"));
        }
    }

    #[test]
    fn an_endpoint_without_a_scheme_is_insecure_only_if_configured() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
        let insecure = |value| ("OTEL_EXPORTER_OTLP_INSECURE", value);
        let not_traces = ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false");
        let plain = format!("http://collector:4317{METHOD}");
        assert_eq!(url(&[GRPC, endpoint, insecure("True")]), plain);
        let with_scheme = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");
        assert_eq!(url(&[GRPC, with_scheme, insecure("false")]), plain);
        for secure in [
            &[GRPC, endpoint][..],
            &[GRPC, endpoint, insecure("false")],
            &[GRPC, endpoint, insecure("true"), not_traces],
        ] {
            match cfg!(feature = "tls") {
                true => assert_eq!(url(secure), format!("https://collector:4317{METHOD}")),
                false => assert!(refusal(&Otlp::default(), secure).contains("feature `tls`")),
            }
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn an_endpoint_without_a_scheme_is_accepted_for_grpc() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), "collector:4317".to_owned());
        let grpc = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL".to_owned(), "grpc".to_owned());
        let set = vec![endpoint.clone(), grpc];
        let url = format!("https://collector:4317{METHOD}");
        assert_eq!(resolved(&Otlp::default(), set, "TRACES").unwrap().url.as_str(), url);
        assert_eq!(resolved(&Otlp::grpc(), vec![endpoint], "TRACES").unwrap().url.as_str(), url);
    }

    #[test]
    fn a_custom_client_is_refused_over_grpc() {
        let error = refusal(&Otlp::grpc().http_client(reqwest::Client::new()), &[]);
        assert!(error.starts_with("Otlp::http_client()=\"…\": expected no client"), "{error}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn a_certificate_in_code_beats_the_files_of_the_environment() {
    let pem = |name: &str| {
        let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    };
    let file = |name: &str| {
        let path = std::env::temp_dir().join(format!("otlp-{}-{name}.pem", std::process::id()));
        std::fs::write(&path, pem(name)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (of_signal, general) = (file("of-signal"), file("general"));
    let seen = |path: &str, prefix: &str, signal: &str| {
        format!("Some(Pem(OTEL_EXPORTER_OTLP_{prefix}{signal}CERTIFICATE={path:?}))")
    };
    let https = Otlp::default().endpoint("https://collector");
    for (in_signal, in_general) in [(true, true), (true, false), (false, true)] {
        let mut set = Vec::new();
        let variable = "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE".to_owned();
        set.extend(in_signal.then(|| (variable, of_signal.clone())));
        let variable = "OTEL_EXPORTER_OTLP_CERTIFICATE".to_owned();
        set.extend(in_general.then(|| (variable, general.clone())));
        let expected = match in_signal {
            true => seen(&of_signal, "METRICS", "_"),
            false => seen(&general, "", ""),
        };
        let settings = resolved(&https, set.clone(), "METRICS").unwrap();
        assert!(format!("{:?}", settings.tls).contains(&expected), "{:?}", settings.tls);

        let code = https.clone().ca_certificate(pem("code"));
        let settings = resolved(&code, set, "METRICS").unwrap();
        let seen = format!("{:?}", settings.tls);
        assert!(seen.contains("Pem(Otlp::ca_certificate()="), "{seen}");
    }
    for path in [of_signal, general] {
        std::fs::remove_file(path).unwrap();
    }
}
