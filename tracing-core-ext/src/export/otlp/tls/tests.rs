use std::{
    path::PathBuf,
    process,
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

use crate::{
    export::otlp::{
        options::Otlp,
        tests::{collector::Collector, end_a_span},
    },
    telemetry::{Telemetry, TelemetryBuilder, log_format::tests::CapturedLines},
};

/// Certificate authority, with the certificates that it has signed for a collector and for a
/// client.
struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

struct Signed {
    pem: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    fn signed(&self, name: &str) -> Signed {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Signed { pem: certificate.pem(), der: certificate.der().clone(), key }
    }

    /// Returns a collector with a certificate for this name.
    fn collector(&self, name: &str) -> Collector {
        let server = config().with_no_client_auth();
        Collector::over_tls(self.served(server, name))
    }

    /// Returns a collector that requires a certificate of its clients.
    fn strict_collector(&self) -> Collector {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), default_provider().into());
        let server = config().with_client_cert_verifier(verifier.build().unwrap());
        Collector::over_tls(self.served(server, "localhost"))
    }

    fn served(&self, server: WantsCertificate, name: &str) -> ServerConfig {
        let Signed { der, key, .. } = self.signed(name);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = server.with_single_cert(vec![der], key).unwrap();
        config.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
        config
    }
}

type WantsCertificate = tokio_rustls::rustls::ConfigBuilder<
    ServerConfig,
    tokio_rustls::rustls::server::WantsServerCert,
>;

fn config() -> tokio_rustls::rustls::ConfigBuilder<ServerConfig, tokio_rustls::rustls::WantsVerifier>
{
    let provider = Arc::new(default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap()
}

fn protocols() -> Vec<Otlp> {
    vec![Otlp::http_protobuf(), Otlp::http_json(), Otlp::grpc()]
}

fn builder() -> TelemetryBuilder {
    Telemetry::builder()
        .service_name("checkout")
        .log_writer(CapturedLines::default())
        .variables(|_| None)
}

fn outcome(otlp: Otlp) -> Result<(), String> {
    let (telemetry, _dispatch) = builder().otlp(otlp).build().unwrap();
    end_a_span(&telemetry);
    telemetry.tracer_provider().force_flush().unwrap();
    telemetry.shutdown().map_err(|error| error.to_string())
}

#[test]
fn spans_arrive_over_tls_if_the_authority_is_trusted() {
    let authority = Authority::named("ours");
    for otlp in protocols() {
        let collector = authority.collector("localhost");
        let otlp = otlp.endpoint(&collector.url).ca_certificate(authority.pem.clone());
        outcome(otlp).unwrap();
        assert_eq!(collector.next().spans, ["order"]);
    }
}

#[test]
fn a_collector_of_another_authority_or_name_is_not_trusted_and_not_retried() {
    let authority = Authority::named("ours");
    for otlp in protocols() {
        for (name, trusted, reason) in [
            ("localhost", Authority::named("other").pem, "UnknownIssuer"),
            ("elsewhere", authority.pem.clone(), "certificate not valid for name"),
        ] {
            let collector = authority.collector(name);
            let otlp = otlp.clone().endpoint(&collector.url).ca_certificate(trusted);
            let started = Instant::now();
            let error = outcome(otlp).unwrap_err();
            assert!(error.contains("1 failed (certificate not trusted: "), "{error}");
            assert!(error.contains(reason), "{error}");
            assert!(started.elapsed() < Duration::from_secs(3));
        }
    }
}

#[test]
fn a_collector_that_requires_a_certificate_receives_it() {
    let authority = Authority::named("ours");
    let client = authority.signed("checkout");
    for otlp in protocols() {
        let collector = authority.strict_collector();
        let otlp = otlp.endpoint(&collector.url).ca_certificate(authority.pem.clone());
        // The alert may or may not arrive before the connection is closed.
        let error = outcome(otlp.clone().timeout(Duration::from_millis(300))).unwrap_err();
        assert!(error.contains("1 failed ("), "{error}");

        let key = client.key.serialize_pem();
        outcome(otlp.client_certificate(client.pem.clone(), key)).unwrap();
        assert_eq!(collector.next().spans, ["order"]);
    }
}

/// File that is removed on drop.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("otlp-{}-{name}.pem", process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> String {
        self.0.to_str().unwrap().to_owned()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn with(variables: Vec<(&'static str, String)>) -> TelemetryBuilder {
    builder().variables(move |name| {
        let found = variables.iter().find(|(key, _)| *key == name)?;
        Some(found.1.clone())
    })
}

#[test]
fn certificates_are_read_from_the_files_the_environment_names() {
    let authority = Authority::named("ours");
    let client = authority.signed("checkout");
    let collector = authority.strict_collector();
    let ca = File::new("ca", &authority.pem);
    let certificate = File::new("certificate", &client.pem);
    let key = File::new("key", &client.key.serialize_pem());
    let (telemetry, _dispatch) = with(vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.clone()),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere".to_owned()),
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", ca.path()),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", certificate.path()),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", key.path()),
    ])
    .build()
    .unwrap();
    end_a_span(&telemetry);
    telemetry.shutdown().unwrap();
    assert_eq!(collector.next().spans, ["order"]);
}

#[test]
fn unusable_certificates_are_refused_with_the_variable_and_the_path() {
    const CA: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
    const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
    const KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";
    let authority = Authority::named("ours");
    let signed = authority.signed("checkout");
    let certificate = File::new("refused-certificate", &signed.pem);
    let other_key = File::new("other-key", &KeyPair::generate().unwrap().serialize_pem());
    let empty = File::new("empty", "");
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let garbage = File::new("garbage", garbage);
    let cases = [
        (CA, vec![(CA, "/nowhere/ca.pem".to_owned())], "(No such file or directory (os error 2))"),
        (CA, vec![(CA, empty.path())], "a certificate in PEM (there is none in it)"),
        (CA, vec![(CA, garbage.path())], "a certificate in PEM ("),
        (CERTIFICATE, vec![(CERTIFICATE, certificate.path())], "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
        (KEY, vec![(KEY, other_key.path())], "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE beside it"),
        (
            KEY,
            vec![(CERTIFICATE, certificate.path()), (KEY, empty.path())],
            "a private key in PEM (",
        ),
        (
            KEY,
            vec![(CERTIFICATE, certificate.path()), (KEY, other_key.path())],
            "the private key of the certificate, in PEM (",
        ),
    ];
    for (setting, mut variables, expected) in cases {
        let path = variables.last().unwrap().1.clone();
        variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:1".to_owned()));
        let error = with(variables).build().unwrap_err().to_string();
        assert!(error.starts_with(&format!("{setting}={path:?}: expected ")), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_certificate_for_an_endpoint_without_tls_is_refused_in_code_and_suspicious_elsewhere() {
    let authority = Authority::named("ours");
    let ca = File::new("unused", &authority.pem);
    let http = "http://localhost:4318";
    let expected = format!("an https:// endpoint beside it, which {http}/v1/traces is not");
    for setting in ["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"] {
        let variables =
            || vec![("OTEL_EXPORTER_OTLP_ENDPOINT", http.to_owned()), (setting, ca.path())];
        drop(with(variables()).build().unwrap());
        let error = with(variables()).strict(true).build().unwrap_err().to_string();
        assert_eq!(error, format!("{setting}={:?}: expected {expected}", ca.path()));
    }
    let otlp = Otlp::http_json().endpoint(http).ca_certificate(authority.pem.clone());
    let error = builder().otlp(otlp).build().unwrap_err().to_string();
    let value = format!("{} bytes", authority.pem.len());
    assert_eq!(error, format!("Otlp::ca_certificate()={value:?}: expected {expected}"));
}

#[test]
fn a_general_certificate_beside_the_plain_endpoint_of_one_signal_is_for_the_other_signal() {
    let ca = File::new("general", &Authority::named("ours").pem);
    let variables = vec![
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://localhost:4318/v1/traces".to_owned()),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://collector:4318/v1/metrics".to_owned()),
        ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", ca.path()),
    ];
    drop(with(variables).strict(true).build().unwrap());
}
