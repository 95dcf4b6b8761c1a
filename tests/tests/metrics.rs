//! Metrics by the semantic conventions 1.44: instruments, labels and values. Outcomes are tested in
//! `endings.rs`.

use std::{collections::BTreeMap, time::Duration};

use opentelemetry::Value;
use opentelemetry_sdk::trace::Sampler;
use reqwest::{Client, Method};
use tests::{
    Actix, Axum, Framework, MetricSink, RawClient, ScriptStep, Server, Setup, SpanSink,
    WithOtelLayer, measured_with, on_both_frameworks_either_way,
};
use tracing_core_ext::exchange::{self, Outcome};
use tracing_core_ext::testing::EndedSpan;

const DURATION: &str = "http.server.request.duration";
const ACTIVE: &str = "http.server.active_requests";

const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

on_both_frameworks_either_way![
    a_request_has_the_labels_of_the_conventions,
    an_unsampled_request_has_the_same_labels,
    nothing_is_measured_unasked,
    sizes_are_not_measured_unasked,
    body_sizes_are_measured_if_enabled,
    a_request_in_flight_is_counted,
    unmatched_paths_share_a_series,
    an_unknown_method_is_other,
    the_scheme_of_a_target_is_no_label,
    any_number_of_requests_has_one_series,
    the_server_is_a_label_if_enabled,
    a_handler_adds_a_label_to_its_duration,
    an_error_that_is_declared_is_the_label,
    a_second_middleware_counts_nothing,
];

fn options(builder: Builder) -> Builder {
    builder
}

type Builder = exchange::Builder<exchange::Instrumentation>;

/// Returns labels in the form of the sink.
fn labels<const N: usize>(labels: [(&str, Value); N]) -> BTreeMap<String, Value> {
    labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Labels of a `GET` request for `/items/{id}`.
fn item() -> BTreeMap<String, Value> {
    labels([
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200.into()),
        ("http.route", "/items/{id}".into()),
        ("network.protocol.version", "1.1".into()),
        ("url.scheme", "http".into()),
    ])
}

fn duration_of(span: &EndedSpan) -> Duration {
    span.end_time.duration_since(span.start_time).unwrap()
}

async fn get_item(server: &Server) {
    let response = reqwest::get(server.url("/items/7?page=2")).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "item 7");
}

#[tokio::test]
async fn the_duration_is_that_of_the_span_to_the_nanosecond() {
    to_the_nanosecond::<Axum>().await;
    to_the_nanosecond::<Actix>().await;
}

async fn to_the_nanosecond<F: Framework>() {
    let (server, sink, metrics) = measured_with::<F>(options).await;

    get_item(&server).await;

    let span = sink.only().await;
    let series = metrics.only(DURATION).await;
    assert_eq!(series.sum, duration_of(&span).as_secs_f64());
}

#[test]
fn a_span_that_a_handler_keeps_is_not_in_flight() {
    let metrics = MetricSink::new();
    let instrumentation = Builder::new("tests", "1")
        .tracer_provider(&SpanSink::new().provider())
        .meter_provider(metrics.provider())
        .build();
    let mut exchange = instrumentation.start_server(&http::Request::new(()));
    let kept = exchange.request_span();
    assert_eq!(metrics.total(ACTIVE), 1.0);

    exchange.end(Outcome::Complete);

    assert_eq!(metrics.total(ACTIVE), 0.0);
    drop((kept, exchange));
    assert_eq!(metrics.total(ACTIVE), 0.0);
}

#[tokio::test]
async fn the_duration_is_that_of_a_captured_span_but_for_a_moment() {
    but_for_a_moment::<WithOtelLayer<Axum>>().await;
    but_for_a_moment::<WithOtelLayer<Actix>>().await;
}

async fn but_for_a_moment<F: Framework>() {
    let (server, sink, metrics) = measured_with::<F>(options).await;

    get_item(&server).await;

    let span = duration_of(&sink.only().await).as_secs_f64();
    let measured = metrics.only(DURATION).await.sum;
    assert!((span - measured).abs() < 0.1, "{span} {measured}");
}

async fn a_request_has_the_labels_of_the_conventions<F: Framework>() {
    let (server, _, metrics) = measured_with::<F>(options).await;

    get_item(&server).await;

    let series = metrics.only(DURATION).await;
    assert_eq!(series.labels, item());
    assert_eq!(series.bounds, SECONDS);
    let active = metrics.series(ACTIVE);
    let expected = [("http.request.method", "GET".into()), ("url.scheme", "http".into())];
    assert_eq!(active.len(), 1);
    assert_eq!(active[0].labels, labels(expected));
    let units = [(ACTIVE, "{request}"), (DURATION, "s")];
    assert_eq!(instruments(&metrics), units.map(|(name, unit)| (name.into(), unit.into())));
}

fn instruments(metrics: &MetricSink) -> Vec<(String, String)> {
    let mut all = metrics.instruments();
    all.sort();
    all
}

async fn an_unsampled_request_has_the_same_labels<F: Framework>() {
    let metrics = MetricSink::new();
    let provider = SpanSink::new().provider_sampling(Sampler::AlwaysOff);
    let setup = Setup { metrics: Some(metrics.clone()), ..Setup::with_provider(provider) };
    let server = F::serve(setup).await;

    get_item(&server).await;

    let series = metrics.only(DURATION).await;
    assert_eq!(series.labels, item());
    assert!(series.sum > 0.0);
}

async fn nothing_is_measured_unasked<F: Framework>() {
    let (sink, metrics) = (SpanSink::new(), MetricSink::new());
    let server = F::serve(Setup::new(&sink)).await;

    get_item(&server).await;

    sink.only().await;
    assert_eq!(metrics.instruments(), []);
}

async fn sizes_are_not_measured_unasked<F: Framework>() {
    let (server, _, metrics) = measured_with::<F>(options).await;

    Client::new().post(server.url("/echo")).body("three").send().await.unwrap();

    metrics.only(DURATION).await;
    assert_eq!(instruments(&metrics).len(), 2);
}

async fn body_sizes_are_measured_if_enabled<F: Framework>() {
    let (server, _, metrics) = measured_with::<F>(|builder| builder.body_sizes(true)).await;

    let response = Client::new().post(server.url("/echo")).body("three").send().await.unwrap();
    response.bytes().await.unwrap();

    let duration = metrics.only(DURATION).await;
    for name in ["http.server.request.body.size", "http.server.response.body.size"] {
        let size = metrics.only(name).await;
        assert_eq!((size.sum, size.labels), (5.0, duration.labels.clone()), "{name}");
        assert!(instruments(&metrics).contains(&(name.to_owned(), "By".to_owned())));
    }
}

async fn a_request_in_flight_is_counted<F: Framework>() {
    let metrics = MetricSink::new();
    let setup = Setup { metrics: Some(metrics.clone()), ..Setup::new(&SpanSink::new()) };
    let script = setup.control.script();
    let server = F::serve(setup).await;

    let mut peer = RawClient::connect(&server).await.unwrap();
    peer.get("/stream", &[]).await.unwrap();
    script.send(ScriptStep::Data("one")).unwrap();
    peer.read_until("one").await.unwrap();
    assert_eq!(metrics.total(ACTIVE), 1.0);
    assert_eq!(metrics.series(DURATION), []);
    drop(script);
    peer.read_until("0\r\n\r\n").await.unwrap();

    metrics.only(DURATION).await;
    assert_eq!(metrics.total(ACTIVE), 0.0);
}

async fn unmatched_paths_share_a_series<F: Framework>() {
    let (server, _, metrics) = measured_with::<F>(options).await;

    for n in 0..3 {
        reqwest::get(server.url(&format!("/nowhere/{n}"))).await.unwrap();
    }

    let series = metrics.wait_for(DURATION, 3).await;
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].labels.get("http.route"), None);
    assert_eq!(series[0].labels.get("http.response.status_code"), Some(&404.into()));
}

async fn an_unknown_method_is_other<F: Framework>() {
    let (server, _, metrics) = measured_with::<F>(options).await;

    for method in [b"BREW", b"WHEN"] {
        let method = Method::from_bytes(method).unwrap();
        Client::new().request(method, server.url("/nowhere")).send().await.unwrap();
    }

    let series = metrics.wait_for(DURATION, 2).await;
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].labels.get("http.request.method"), Some(&"_OTHER".into()));
}

async fn the_scheme_of_a_target_is_no_label<F: Framework>() {
    let (server, _, metrics) = measured_with::<F>(options).await;

    for scheme in ["coffee", "https"] {
        let mut peer = RawClient::connect(&server).await.unwrap();
        peer.get(&format!("{scheme}://shop.example/items/7"), &[]).await.unwrap();
        peer.read_until("item 7").await.unwrap();
    }

    let series = metrics.wait_for(DURATION, 2).await;
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].labels["url.scheme"], "http".into());
}

async fn any_number_of_requests_has_one_series<F: Framework>() {
    let (server, _, metrics) = measured_with::<F>(options).await;

    for n in 0..20 {
        reqwest::get(server.url(&format!("/items/{n}?n={n}"))).await.unwrap();
    }

    assert_eq!(metrics.wait_for(DURATION, 20).await.len(), 1);
}

async fn the_server_is_a_label_if_enabled<F: Framework>() {
    let (server, _, metrics) =
        measured_with::<F>(|builder| builder.server_address_label(true)).await;

    let mut peer = RawClient::connect(&server).await.unwrap();
    peer.get("/items/7", &[]).await.unwrap();
    peer.read_until("item 7").await.unwrap();

    let mut expected = item();
    expected.insert("server.address".into(), "shop.example".into());
    expected.insert("server.port".into(), 8080.into());
    assert_eq!(metrics.only(DURATION).await.labels, expected);
    assert_eq!(metrics.series(ACTIVE)[0].labels.len(), 2);
}

async fn a_handler_adds_a_label_to_its_duration<F: Framework>() {
    let (server, _, metrics) = measured_with::<F>(|builder| builder.body_sizes(true)).await;

    reqwest::get(server.url("/extractor")).await.unwrap();

    let label = |series: tests::Series| series.labels.get("shop.plan").cloned();
    assert_eq!(label(metrics.only(DURATION).await), Some("free".into()));
    assert_eq!(label(metrics.only("http.server.request.body.size").await), None);
    assert_eq!(label(metrics.series(ACTIVE).remove(0)), None);
}

async fn an_error_that_is_declared_is_the_label<F: Framework>() {
    let declared = |builder: Builder| builder.error_type(|_| Some("teapot".into()));
    let (server, _, metrics) = measured_with::<F>(declared).await;

    get_item(&server).await;

    assert_eq!(metrics.only(DURATION).await.labels["error.type"], "teapot".into());
}

async fn a_second_middleware_counts_nothing<F: Framework>() {
    let (server, _, metrics) = measured_with::<F>(options).await;

    reqwest::get(server.url("/twice/7")).await.unwrap().text().await.unwrap();

    metrics.only(DURATION).await;
    assert_eq!(metrics.total(ACTIVE), 0.0);
}
