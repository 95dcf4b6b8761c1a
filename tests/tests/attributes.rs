//! Attributes of the server span: values, types and absence (semantic conventions 1.44, HTTP server).

use std::sync::{Arc, Mutex};

use opentelemetry::{
    Context, KeyValue, TraceId, Value,
    trace::{Link, SpanKind, Status},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample};
use reqwest::Method;
use tests::{
    EndedSpanExt, Framework, Provider, RawClient, Setup, SpanSink, on_both_frameworks_either_way,
    recorded,
};
use tracing_core_ext::{testing::Receiver, trace::TracerProvider};

on_both_frameworks_either_way![
    a_request_is_described_by_the_conventions,
    absent_data_of_a_request_is_not_recorded,
    an_unmatched_path_has_no_route,
    an_unknown_method_is_other,
    the_query_method_is_known,
    an_ipv6_host_loses_its_brackets,
    a_signature_in_the_query_is_redacted,
    a_target_with_an_authority_that_is_not_usable_is_described_by_its_host_field,
    the_scheme_is_that_of_the_connection,
    the_sampler_sees_the_request,
    the_extractor_reaches_the_server_span,
    middleware_inside_finds_the_span,
    a_response_has_the_same_framing_as_without_the_middleware,
];

async fn a_request_is_described_by_the_conventions<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let mut peer = RawClient::connect(&server).await.unwrap();
    peer.get("/items/7?page=2", &[b"user-agent: test/1.0"]).await.unwrap();
    peer.read_until("item 7").await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.name, "GET /items/{id}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.text("http.request.method"), Some("GET"));
    assert_eq!(span.text("http.route"), Some("/items/{id}"));
    assert_eq!(span.text("url.path"), Some("/items/7"));
    assert_eq!(span.text("url.query"), Some("page=2"));
    assert_eq!(span.text("url.scheme"), Some("http"));
    assert_eq!(span.text("server.address"), Some("shop.example"));
    assert_eq!(span.integer("server.port"), Some(8080));
    assert_eq!(span.text("client.address"), Some("127.0.0.1"));
    assert_eq!(span.text("network.peer.address"), Some("127.0.0.1"));
    assert!(span.integer("network.peer.port").is_some_and(|port| port > 0));
    assert_eq!(span.text("network.protocol.version"), Some("1.1"));
    assert_eq!(span.text("user_agent.original"), Some("test/1.0"));
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_eq!(span.attributes.len(), 13, "{span:#?}");
    assert_eq!(span.dropped_attributes_count, 0);
}

async fn absent_data_of_a_request_is_not_recorded<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let mut peer = RawClient::connect(&server).await.unwrap();
    peer.get("/items/7?", &[b"user-agent:"]).await.unwrap();
    peer.read_until("item 7").await.unwrap();

    let span = sink.only().await;
    for key in ["url.query", "user_agent.original", "error.type", "http.request.method_original"] {
        assert_eq!(span.attribute(key), None);
    }
    assert!(span.attributes.iter().all(|attribute| attribute.value != Value::from("")));
}

async fn an_unmatched_path_has_no_route<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    reqwest::get(server.url("/nowhere")).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.name, "GET");
    assert_eq!(span.attribute("http.route"), None);
    assert_eq!(span.integer("http.response.status_code"), Some(404));
}

async fn an_unknown_method_is_other<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let method = Method::from_bytes(b"BREW").unwrap();
    reqwest::Client::new().request(method, server.url("/nowhere")).send().await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.name, "HTTP");
    assert_eq!(span.text("http.request.method"), Some("_OTHER"));
    assert_eq!(span.text("http.request.method_original"), Some("BREW"));
}

async fn the_query_method_is_known<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let method = Method::from_bytes(b"QUERY").unwrap();
    reqwest::Client::new().request(method, server.url("/nowhere")).send().await.unwrap();

    assert_eq!(sink.only().await.text("http.request.method"), Some("QUERY"));
}

async fn an_ipv6_host_loses_its_brackets<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let request = reqwest::Client::new().get(server.url("/empty"));
    request.header("host", "[2001:db8::7]").send().await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.text("server.address"), Some("2001:db8::7"));
    assert_eq!(span.integer("server.port"), Some(80));
}

async fn a_signature_in_the_query_is_redacted<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    reqwest::get(server.url("/empty?sig=secret&page=2")).await.unwrap();

    assert_eq!(sink.only().await.text("url.query"), Some("sig=REDACTED&page=2"));
}

async fn a_target_with_an_authority_that_is_not_usable_is_described_by_its_host_field<
    F: Framework,
>() {
    let (server, sink) = recorded::<F>().await;

    let mut peer = RawClient::connect(&server).await.unwrap();
    peer.get("http://user:secret@other.example/items/7", &[]).await.unwrap();
    peer.read_until("item 7").await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.text("server.address"), Some("shop.example"));
    assert_eq!(span.integer("server.port"), Some(8080));
    assert!(!format!("{span:?}").contains("secret"), "{span:#?}");
}

async fn the_scheme_is_that_of_the_connection<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let mut peer = RawClient::connect(&server).await.unwrap();
    peer.get("https://shop.example/items/7", &[]).await.unwrap();
    peer.read_until("item 7").await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.text("url.scheme"), Some("http"));
    assert_eq!(span.text("server.address"), Some("shop.example"));
    assert_eq!(span.integer("server.port"), Some(80));
}

async fn the_sampler_sees_the_request<F: Framework>() {
    let own = |seen, sink| {
        let builder = TracerProvider::builder().with_sampler(seen);
        Provider::from(builder.with_span_processor(sink).build())
    };
    let route = KeyValue::new("http.route", "/items/{id}");
    assert!(seen_by_sampler::<F>(own).await.contains(&route));
    let of_the_sdk = |seen, sink| {
        let builder = SdkTracerProvider::builder().with_sampler(seen);
        Provider::from(builder.with_span_processor(sink).build())
    };
    seen_by_sampler::<F>(of_the_sdk).await;
}

async fn seen_by_sampler<F: Framework>(provider: fn(Seen, Receiver) -> Provider) -> Vec<KeyValue> {
    let (seen, sink) = (Seen::default(), SpanSink::new());
    let server = F::serve(Setup::with_provider(provider(seen.clone(), sink.receiver()))).await;

    let mut peer = RawClient::connect(&server).await.unwrap();
    peer.get("/items/7?page=2", &[b"user-agent: test/1.0"]).await.unwrap();
    peer.read_until("item 7").await.unwrap();

    let expected = [
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("server.address", "shop.example"),
        KeyValue::new("server.port", 8080),
        KeyValue::new("url.path", "/items/7"),
        KeyValue::new("url.query", "page=2"),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("user_agent.original", "test/1.0"),
    ];
    assert_eq!(sink.only().await.text("http.route"), Some("/items/{id}"));
    let seen = seen.0.lock().unwrap().clone();
    for attribute in expected {
        assert!(seen.contains(&attribute), "{attribute:?} in {seen:?}");
    }
    seen
}

async fn the_extractor_reaches_the_server_span<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let ids = reqwest::get(server.url("/extractor")).await.unwrap().text().await.unwrap();

    let span = sink.only().await;
    assert_eq!(ids, format!("{} {}", span.span_context.trace_id(), span.id()));
    assert_eq!(span.integer("cart.items"), Some(3));
    assert_eq!(span.integer("cart.bytes"), Some(7));
    assert_eq!(span.status, Status::error(std::fmt::Error.to_string()));
    assert_eq!(span.events.len(), 1);
    assert_eq!(span.events[0].name, "exception");
    let described = [
        KeyValue::new("exception.message", std::fmt::Error.to_string()),
        KeyValue::new("exception.type", "core::fmt::Error"),
    ];
    assert_eq!(span.events[0].attributes, described);
}

async fn middleware_inside_finds_the_span<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let found = reqwest::get(server.url("/middleware")).await.unwrap().text().await.unwrap();

    assert_eq!(found, sink.only().await.span_context.trace_id().to_string());
}

async fn a_response_has_the_same_framing_as_without_the_middleware<F: Framework>() {
    let (server, _) = recorded::<F>().await;

    let response = reqwest::get(server.url("/items/7")).await.unwrap();

    assert_eq!(response.headers()["content-length"], "6");
    assert!(!response.headers().contains_key("transfer-encoding"));
}

/// A sampler that records the attributes it receives.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<KeyValue>>>);

impl ShouldSample for Seen {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        attributes: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        self.0.lock().unwrap().extend_from_slice(attributes);
        SamplingResult {
            decision: SamplingDecision::RecordAndSample,
            attributes: Vec::new(),
            trace_state: Default::default(),
        }
    }
}
