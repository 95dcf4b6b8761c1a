//! Metrics of the instrumented client by the semantic conventions 1.44.

use std::collections::BTreeMap;

use opentelemetry::Value;
use opentelemetry_sdk::trace::Sampler;
use tests::{Axum, EndedSpanExt, Framework, MetricSink, Series, Server, Setup, SpanSink};
use tracing_core_ext::client::Client;

const DURATION: &str = "http.client.request.duration";

/// A client with metrics, and a server to call.
struct Scene {
    client: Client,
    sink: SpanSink,
    metrics: MetricSink,
    server: Server,
}

async fn scene(sampler: Sampler) -> Scene {
    let (sink, metrics) = (SpanSink::new(), MetricSink::new());
    let client = Client::builder()
        .tracer_provider(&sink.provider_sampling(sampler))
        .meter_provider(metrics.provider())
        .body_sizes(true)
        .wrap(reqwest::Client::new());
    Scene { client, sink, metrics, server: Axum::serve(Setup::new(&SpanSink::new())).await }
}

fn labels<const N: usize>(labels: [(&str, Value); N]) -> BTreeMap<String, Value> {
    labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[tokio::test]
async fn a_request_has_the_labels_of_the_conventions_sampled_or_not() {
    for sampler in [Sampler::AlwaysOn, Sampler::AlwaysOff] {
        let Scene { client, metrics, server, .. } = scene(sampler).await;

        let url = server.url("/items/7?page=2");
        client.get(url).send().await.unwrap().text().await.unwrap();

        let expected = labels([
            ("http.request.method", "GET".into()),
            ("http.response.status_code", 200.into()),
            ("network.protocol.version", "1.1".into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(server.address().port()).into()),
        ]);
        assert_eq!(metrics.only(DURATION).await.labels, expected);
    }
}

#[tokio::test]
async fn the_duration_is_that_of_the_span_to_the_nanosecond() {
    let Scene { client, sink, metrics, server } = scene(Sampler::AlwaysOn).await;

    client.get(server.url("/items/7")).send().await.unwrap().text().await.unwrap();

    let span = sink.only().await;
    let duration = span.end_time.duration_since(span.start_time).unwrap();
    assert_eq!(metrics.only(DURATION).await.sum, duration.as_secs_f64());
}

#[tokio::test]
async fn body_sizes_are_measured_if_enabled() {
    let Scene { client, metrics, server, .. } = scene(Sampler::AlwaysOff).await;

    client.get(server.url("/items/7")).send().await.unwrap().text().await.unwrap();

    let duration = metrics.only(DURATION).await;
    let Series { labels, sum, .. } = metrics.only("http.client.response.body.size").await;
    assert_eq!((sum, labels), (6.0, duration.labels));
}

#[tokio::test]
async fn an_error_is_that_of_the_span() {
    let Scene { client, sink, metrics, server } = scene(Sampler::AlwaysOn).await;

    client.get(server.url("/status/503")).send().await.unwrap().text().await.unwrap();

    let duration = metrics.only(DURATION).await;
    assert_eq!(sink.only().await.text("error.type"), Some("503"));
    assert_eq!(duration.labels["error.type"], "503".into());
    assert_eq!(duration.labels["http.response.status_code"], 503.into());
}

#[tokio::test]
async fn a_call_without_a_response_has_only_an_error() {
    let Scene { client, metrics, .. } = scene(Sampler::AlwaysOn).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();

    client.get(format!("http://{closed}/")).send().await.unwrap_err();

    let expected = labels([
        ("error.type", "connection_error".into()),
        ("http.request.method", "GET".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(closed.port()).into()),
    ]);
    assert_eq!(metrics.only(DURATION).await.labels, expected);
}

#[tokio::test]
async fn a_response_that_is_dropped_is_counted() {
    let Scene { client, metrics, server, .. } = scene(Sampler::AlwaysOn).await;

    drop(client.get(server.url("/items/7")).send().await.unwrap());

    assert_eq!(metrics.only(DURATION).await.labels.get("error.type"), None);
}
