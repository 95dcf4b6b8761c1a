use std::io::Read;

use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderName};
use opentelemetry::KeyValue;
use prometheus::{
    IntCounter,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::*;

const OPENMETRICS: (HeaderName, &str) = (header::ACCEPT, "application/openmetrics-text");
const GZIP: (HeaderName, &str) = (header::ACCEPT_ENCODING, "gzip");

fn endpoint() -> Endpoint {
    let registry = Registry::default();
    let orders = IntCounter::new("orders", "Orders.").unwrap();
    orders.inc();
    registry.register(orders).unwrap();
    let resource = Resource::builder_empty()
        .with_attribute(KeyValue::new("service.name", "shop"))
        .with_attribute(KeyValue::new("service.version", "1.2"))
        .with_attribute(KeyValue::new("deployment.environment.name", "test"))
        .with_attribute(KeyValue::new("telemetry.sdk.version", "0.33"))
        .build();
    Endpoint::new(registry, Arc::default(), &resource, vec!["prometheus"])
}

fn headers<const N: usize>(fields: [(HeaderName, &str); N]) -> HeaderMap {
    fields.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect()
}

fn get(endpoint: &Endpoint, path: &str) -> (u16, String) {
    let response = endpoint.respond("GET", path, &HeaderMap::new());
    (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
}

#[test]
fn metrics_are_text_unless_openmetrics_is_asked_for() {
    let (status, text) = get(&endpoint(), "/metrics");
    assert_eq!(status, 200);
    assert!(text.contains("# TYPE orders counter\norders 1\n"), "{text}");

    let response = endpoint().respond("GET", "/metrics", &headers([OPENMETRICS]));
    let content_type = &response.headers()[header::CONTENT_TYPE];
    assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = String::from_utf8(response.into_body().to_vec()).unwrap();
    assert!(
        text.contains("# TYPE orders counter\n# HELP orders Orders.\norders_total 1\n"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn both_spellings_of_a_path_answer() {
    for path in ["/metrics", "/health", "/info"] {
        for path in [path.to_owned(), format!("{path}/")] {
            assert_eq!(get(&endpoint(), &path).0, 200, "{path}");
        }
    }
}

#[test]
fn head_is_get_without_a_body() {
    for path in ["/metrics", "/health", "/info"] {
        let endpoint = endpoint();
        let get = endpoint.respond("GET", path, &HeaderMap::new());
        let head = endpoint.respond("HEAD", path, &HeaderMap::new());
        assert_eq!(get.headers()[header::CONTENT_LENGTH], get.body().len().to_string());
        assert_eq!((head.status(), head.headers()), (get.status(), get.headers()), "{path}");
        assert!(head.body().is_empty());
    }
}

#[test]
fn other_methods_are_refused_with_those_that_are_not() {
    for method in ["POST", "DELETE", "OPTIONS", "get", ""] {
        let response = endpoint().respond(method, "/metrics", &HeaderMap::new());
        assert_eq!(response.status(), 405, "{method}");
        assert_eq!(response.headers()[header::ALLOW], "GET, HEAD");
    }
}

#[test]
fn other_paths_are_not_found() {
    for path in ["", "/", "/metric", "/metrics//", "/metrics/x", "metrics"] {
        assert_eq!(get(&endpoint(), path).0, 404, "{path}");
    }
}

#[test]
fn metrics_are_compressed_only_where_gzip_is_asked_for() {
    let endpoint = endpoint();
    let plain = endpoint.respond("GET", "/metrics", &HeaderMap::new());
    assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
    let compressed = endpoint.respond("GET", "/metrics", &headers([GZIP]));
    assert_eq!(compressed.headers()[header::CONTENT_ENCODING], "gzip");
    assert_eq!(compressed.headers()[header::VARY], "accept, accept-encoding");
    let mut text = String::new();
    GzDecoder::new(&**compressed.body()).read_to_string(&mut text).unwrap();
    assert_eq!(text.as_bytes(), &**plain.body());
}

#[test]
fn a_service_that_drains_is_not_healthy_but_scraped() {
    let endpoint = endpoint();
    assert_eq!(get(&endpoint, "/health"), (200, "ok\n".to_owned()));
    endpoint.drain();
    assert_eq!(get(&endpoint, "/health"), (503, "draining\n".to_owned()));
    assert_eq!(get(&endpoint, "/metrics").0, 200);
}

#[test]
fn after_shutdown_the_answer_is_503_with_a_reason() {
    let endpoint = endpoint();
    endpoint.shut_down();
    endpoint.drain();
    for path in ["/metrics", "/health"] {
        assert_eq!(get(&endpoint, path), (503, "telemetry is shut down\n".to_owned()));
    }
}

#[test]
fn info_tells_what_runs() {
    let (status, info) = get(&endpoint(), "/info");
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(status, 200);
    assert_eq!(
        info,
        json!({
            "service": "shop",
            "version": "1.2",
            "environment": "test",
            "exporters": ["prometheus"],
            "uptime_seconds": 0,
            "status": null,
            "sdk": { "name": "opentelemetry", "language": "rust", "version": "0.33" },
        })
    );
}

#[test]
fn a_collector_that_panics_is_told_of_and_does_no_harm() {
    struct Broken;
    impl Collector for Broken {
        fn desc(&self) -> Vec<&Desc> {
            Vec::new()
        }
        fn collect(&self) -> Vec<MetricFamily> {
            panic!("no {}", "luck")
        }
    }
    let endpoint = endpoint();
    endpoint.0.source.registry.add(Arc::new(Broken));
    let answer = "the metrics could not be gathered: a collector panicked: no luck\n";
    assert_eq!(get(&endpoint, "/metrics"), (500, answer.to_owned()));
    assert_eq!(get(&endpoint, "/health").0, 200);
}
