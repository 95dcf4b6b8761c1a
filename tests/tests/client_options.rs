//! The options of the client: each has its documented effect, and none if it is not set.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{self, Poll},
};

use bytes::Bytes;
use futures_util::stream;
use http_body::{Frame, SizeHint};
use opentelemetry::{
    Context, KeyValue, Value,
    baggage::BaggageExt,
    trace::{Status, TraceContextExt, Tracer, TracerProvider},
};
use reqwest::{Body, Method};
use tests::{AfterResponse, Axum, EndedSpanExt, RawServer, Server, SpanSink, recorded};
use tokio::net::TcpListener;
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    client::{Client, RequestBuilder},
    exchange::{Builder, ExchangeSummary},
    http::{AllowedHosts, CapturedHeaders},
};

type Options = fn(Builder<Client>) -> Builder<Client>;

/// A client, the sink of its spans, and a server to call.
struct Scene {
    client: Client,
    sink: SpanSink,
    server: Server,
    server_sink: SpanSink,
}

async fn scene(options: Options) -> Scene {
    let sink = SpanSink::new();
    let (server, server_sink) = recorded::<Axum>().await;
    let client = options(Client::builder().tracer_provider(&sink.provider())).build();
    Scene { client, sink, server, server_sink }
}

impl Scene {
    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.server.url(path))
    }

    async fn span_of(&self, path: &str) -> EndedSpan {
        read(self.get(path)).await;
        self.sink.only().await
    }
}

async fn read(request: RequestBuilder) -> String {
    request.send().await.unwrap().text().await.unwrap()
}

/// Sends `request` below a span of a user with baggage, and returns the response and that span.
async fn read_below_a_span(request: RequestBuilder) -> (String, EndedSpan) {
    let users = SpanSink::new();
    let span = users.provider().tracer("users").start("parent");
    let baggage = [KeyValue::new("tenant", "blue")];
    let current = Context::new().with_span(span).with_baggage(baggage);
    let sending = {
        let _attached = current.clone().attach();
        request.send()
    };
    let text = sending.await.unwrap().text().await.unwrap();
    drop(current);
    (text, users.only().await)
}

#[tokio::test]
async fn a_filtered_request_has_no_span_and_propagates_the_callers_context() {
    let scene = scene(|builder| builder.filter(|request| request.path() != "/headers")).await;

    let (headers, parent) = read_below_a_span(scene.get("/headers")).await;
    read(scene.get("/items/7")).await;

    assert!(headers.contains("baggage: tenant=blue"), "{headers}");
    let served = scene.server_sink.wait_for(2).await;
    assert!(served[0].is_child_of(&parent));
    assert!(served[1].is_child_of(&scene.sink.only().await));
}

#[tokio::test]
async fn a_filter_sees_the_request() {
    let scene = scene(|builder| {
        builder.filter(|request| {
            request.method() == "POST"
                && request.scheme() == "http"
                && request.authority().is_some_and(|authority| authority.starts_with("127.0.0.1:"))
                && request.query() == Some("a=1")
                && request.header("x-tenant") == Some("blue")
                && request.route().as_deref() == Some("/echo")
        })
    })
    .await;

    let request = scene.client.post(scene.server.url("/echo?a=1")).url_template("/echo");
    read(request.header("x-tenant", "blue")).await;
    read(scene.get("/items/7")).await;

    assert_eq!(scene.sink.only().await.name, "POST /echo");
}

#[tokio::test]
async fn a_name_can_be_chosen() {
    let scene = scene(|builder| {
        builder.span_name(|request| request.path().starts_with("/items").then(|| "item".into()))
    })
    .await;

    for path in ["/items/7", "/empty"] {
        read(scene.get(path)).await;
    }

    let names: Vec<_> =
        scene.sink.wait_for(2).await.into_iter().map(|span| span.name.clone()).collect();
    assert_eq!(names, ["item", "GET"]);
}

#[tokio::test]
async fn a_template_names_the_span() {
    let scene = scene(|builder| builder).await;

    read(scene.get("/items/7").url_template("/items/{id}")).await;
    read(scene.get("/items/7")).await;

    let spans = scene.sink.wait_for(2).await;
    assert_eq!(spans[0].name, "GET /items/{id}");
    assert_eq!(spans[0].text("url.template"), Some("/items/{id}"));
    assert_eq!(spans[1].name, "GET");
    assert_eq!(spans[1].attribute("url.template"), None);
}

#[tokio::test]
async fn attributes_can_be_added() {
    let scene = scene(|builder| {
        builder
            .request_attributes(|request| {
                let tenant = request.header("x-tenant")?;
                Some(KeyValue::new("shop.tenant", tenant.to_owned()))
            })
            .response_attributes(|response| {
                let hit = response.header("x-cache") == Some("hit");
                [KeyValue::new("shop.cached", hit)]
            })
    })
    .await;

    let request = scene.client.post(scene.server.url("/echo")).body("ok");
    read(request.header("x-tenant", "blue")).await;

    let span = scene.sink.only().await;
    assert_eq!(span.text("shop.tenant"), Some("blue"));
    assert_eq!(span.attribute("shop.cached"), Some(&Value::Bool(true)));
}

#[tokio::test]
async fn an_error_can_be_set_and_removed() {
    let scene = scene(|builder| {
        builder.error_type(|summary: ExchangeSummary| {
            match summary.status().map(|status| status.as_u16()) {
                Some(404) => None,
                Some(200) => Some("stale".into()),
                _ => summary.into_error_type().map(|error| format!("call_{error}").into()),
            }
        })
    })
    .await;

    for path in ["/status/404", "/items/7", "/status/503"] {
        read(scene.get(path)).await;
    }
    let closed_port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    scene.client.get(format!("http://{closed_port}/")).send().await.unwrap_err();

    let spans = scene.sink.wait_for(4).await;
    let errors: Vec<_> = spans.iter().map(|span| span.text("error.type")).collect();
    assert_eq!(errors, [None, Some("stale"), Some("call_503"), Some("call_connection_error")]);
    assert_eq!(spans[0].status, Status::Unset);
    assert_eq!(spans[1].status, Status::error(""));
}

#[tokio::test]
async fn captured_headers_are_arrays_of_strings() {
    let scene = scene(|builder| {
        builder
            .capture_request_headers(CapturedHeaders::new(["x-tenant", "x-absent"]).unwrap())
            .capture_response_headers(CapturedHeaders::new(["x-tag"]).unwrap())
    })
    .await;

    let request = scene.client.post(scene.server.url("/echo")).body("ok");
    read(request.header("x-tenant", "a").header("x-tenant", "b").header("x-other", "c")).await;

    let span = scene.sink.only().await;
    assert_eq!(span.texts("http.request.header.x-tenant"), ["a", "b"]);
    assert_eq!(span.texts("http.response.header.x-tag"), ["a", "b"]);
    for absent in ["http.request.header.x-absent", "http.request.header.x-other"] {
        assert_eq!(span.attribute(absent), None);
    }
    assert_eq!(span.attribute("http.response.header.x-cache"), None);
}

#[tokio::test]
async fn other_keys_of_a_query_can_be_redacted() {
    let scene = scene(|builder| builder.redact_query_keys(["token"])).await;

    let span = scene.span_of("/empty?token=t&sig=s&page=2").await;

    let redacted = scene.server.url("/empty?token=REDACTED&sig=REDACTED&page=2");
    assert_eq!(span.text("url.full"), Some(redacted.as_str()));
}

#[tokio::test]
async fn long_values_are_truncated() {
    let scene = scene(|builder| {
        builder
            .attribute_value_length_limit(7)
            .capture_request_headers(CapturedHeaders::new(["x-tenant"]).unwrap())
    })
    .await;

    let request = scene.get("/items/7").header("x-tenant", "blue-and-green");
    read(request.url_template("/items/{id}")).await;

    let span = scene.sink.only().await;
    assert_eq!(span.text("url.full"), Some("http://"));
    assert_eq!(span.text("url.template"), Some("/items/"));
    assert_eq!(span.texts("http.request.header.x-tenant"), ["blue-an"]);
    assert_eq!(span.integer("http.response.status_code"), Some(200));
}

#[tokio::test]
async fn attributes_have_the_types_of_the_conventions() {
    let scene = scene(|builder| builder.body_sizes(true)).await;
    let brew = Method::from_bytes(b"BREW").unwrap();
    let request = scene.client.request(brew, scene.server.url("/items/7"));

    read(request.url_template("/items/{id}").resend_count(1)).await;

    let span = scene.sink.only().await;
    assert_eq!(span.name, "HTTP /items/{id}");
    let mut types: Vec<_> = span
        .attributes
        .iter()
        .map(|attribute| match attribute.value {
            Value::String(_) => (attribute.key.as_str(), "string"),
            Value::I64(_) => (attribute.key.as_str(), "integer"),
            _ => (attribute.key.as_str(), "other"),
        })
        .collect();
    types.sort_unstable();
    let expected = [
        ("error.type", "string"),
        ("http.request.body.size", "integer"),
        ("http.request.method", "string"),
        ("http.request.method_original", "string"),
        ("http.request.resend_count", "integer"),
        ("http.response.body.size", "integer"),
        ("http.response.status_code", "integer"),
        ("network.peer.address", "string"),
        ("network.peer.port", "integer"),
        ("network.protocol.version", "string"),
        ("server.address", "string"),
        ("server.port", "integer"),
        ("url.full", "string"),
        ("url.template", "string"),
    ];
    assert_eq!(types, expected);
}

#[tokio::test]
async fn absent_data_of_an_exchange_is_not_recorded() {
    let scene = scene(|builder| builder).await;

    let span = scene.span_of("/items/7").await;

    for absent in [
        "error.type",
        "http.request.body.size",
        "http.request.method_original",
        "http.request.resend_count",
        "http.response.body.size",
        "url.template",
        "user_agent.original",
    ] {
        assert_eq!(span.attribute(absent), None);
    }
    assert!(span.attributes.iter().all(|attribute| attribute.value != Value::from("")));
}

fn in_memory() -> Body {
    "body".into()
}

fn streamed() -> Body {
    Body::wrap_stream(stream::iter([Ok::<_, io::Error>("bo"), Ok("dy")]))
}

/// A stream with a known length.
struct OfFour(Body);

impl http_body::Body for OfFour {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(4)
    }
}

#[tokio::test]
async fn body_sizes_are_measured_if_enabled() {
    for body in [in_memory, streamed] {
        let scene = scene(|builder| builder.body_sizes(true)).await;
        let request = scene.client.post(scene.server.url("/echo"));

        assert_eq!(read(request.body(body())).await, "body");

        let span = scene.sink.only().await;
        assert_eq!(span.integer("http.request.body.size"), Some(4));
        assert_eq!(span.integer("http.response.body.size"), Some(4));
    }
}

#[tokio::test]
async fn a_body_that_is_not_there_has_no_bytes() {
    let scene = scene(|builder| builder.body_sizes(true)).await;

    read(scene.get("/empty")).await;
    read(scene.client.head(scene.server.url("/items/7"))).await;

    for span in scene.sink.wait_for(2).await {
        assert_eq!(span.integer("http.request.body.size"), Some(0));
        assert_eq!(span.integer("http.response.body.size"), Some(0));
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_is_measured_as_far_as_it_is_read() {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\non\r\n";
    let raw_server = RawServer::serve([(answer, AfterResponse::Wait)]).await;
    let scene = scene(|builder| builder.body_sizes(true)).await;

    let mut response = scene.client.get(raw_server.url("/")).send().await.unwrap();
    assert_eq!(response.content_length(), None);
    response.chunk().await.unwrap();
    drop(response);

    assert_eq!(scene.sink.only().await.integer("http.response.body.size"), Some(2));
}

#[tokio::test]
async fn a_missing_response_has_no_size() {
    let raw_server = RawServer::serve([("", AfterResponse::Close)]).await;
    let scene = scene(|builder| builder.body_sizes(true)).await;

    scene.client.post(raw_server.url("/")).body("body").send().await.unwrap_err();

    let span = scene.sink.only().await;
    assert_eq!(span.integer("http.request.body.size"), Some(4));
    assert_eq!(span.attribute("http.response.body.size"), None);
}

#[tokio::test]
async fn a_measured_request_has_the_same_framing_as_without_the_client() {
    for (body, framing) in [
        (in_memory(), "content-length: 4"),
        (Body::wrap(OfFour(streamed())), "content-length: 4"),
        (streamed(), "transfer-encoding: chunked"),
    ] {
        let scene = scene(|builder| builder.body_sizes(true)).await;
        let mut raw_server =
            RawServer::serve([("HTTP/1.1 204 No Content\r\n\r\n", AfterResponse::Close)]).await;

        read(scene.client.post(raw_server.url("/")).body(body)).await;

        let request = raw_server.request().await;
        assert!(request.lines().any(|line| line == framing), "{request}");
        assert_eq!(scene.sink.only().await.integer("http.request.body.size"), Some(4));
    }
}

/// Returns a client that resolves every host of the tests to `address`.
fn client_for(sink: &SpanSink, address: SocketAddr, allowed: &[&str]) -> Client {
    let inner = ["shop.example", "eu.shop.example", "other.example"]
        .iter()
        .fold(reqwest::Client::builder(), |inner, host| inner.resolve(host, address));
    Client::builder()
        .tracer_provider(&sink.provider())
        .allowed_hosts(AllowedHosts::new(allowed).unwrap())
        .wrap_builder(inner)
        .unwrap()
}

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn trace_context_is_sent_only_to_allowed_hosts() {
    let (server, _) = recorded::<Axum>().await;
    let port = server.address().port();
    let with_port = &format!("shop.example:{port}");
    let cases: [(&[&str], &str, bool); 9] = [
        (&["shop.example"], "shop.example", true),
        (&["other.example", "Shop.Example"], "shop.example", true),
        (&["shop.example"], "eu.shop.example", false),
        (&["*.shop.example"], "eu.shop.example", true),
        (&["*.shop.example"], "shop.example", false),
        (&[with_port], "shop.example", true),
        (&["shop.example:1"], "shop.example", false),
        (&["127.0.0.1"], "127.0.0.1", true),
        (&[], "127.0.0.1", false),
    ];
    for (allowed, host, learns) in cases {
        let sink = SpanSink::new();
        let client = client_for(&sink, server.address(), allowed);
        let request = client.get(format!("http://{host}:{port}/headers"));
        let request = request.header("traceparent", TRACEPARENT).header("tracestate", "a=1");

        let (headers, parent) = read_below_a_span(request.header("baggage", "a=1")).await;

        let span = sink.only().await;
        assert!(span.is_child_of(&parent));
        assert_eq!(headers.contains(&span.id().to_string()), learns, "{allowed:?} {host}");
        for field in ["traceparent: ", "baggage: "] {
            assert_eq!(headers.contains(field), learns, "{field} {allowed:?} {host}");
        }
        assert!(!headers.contains("b7ad6b7169203331") && !headers.contains("tracestate"));
    }
}

#[tokio::test]
async fn a_filtered_request_sends_context_only_to_allowed_hosts() {
    let (server, _) = recorded::<Axum>().await;
    let allowed: [(&[&str], bool); 2] = [(&["127.0.0.1"], true), (&["shop.example"], false)];
    for (allowed, learns) in allowed {
        let client = Client::builder()
            .filter(|_| false)
            .allowed_hosts(AllowedHosts::new(allowed).unwrap())
            .build();
        let (headers, _) = read_below_a_span(client.get(server.url("/headers"))).await;
        assert_eq!(headers.contains("traceparent: "), learns);
    }
}

#[tokio::test]
async fn a_redirect_sends_context_only_to_allowed_hosts() {
    let redirect = |location: String| {
        let head = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\n");
        (head + "content-length: 0\r\nconnection: close\r\n\r\n", AfterResponse::Close)
    };
    let done =
        ("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned(), AfterResponse::Close);
    let mut home = RawServer::serve([done]).await;
    let mut third = RawServer::serve([redirect(home.url("/back"))]).await;
    let port = third.address().port();
    let mut first = RawServer::serve([redirect(format!("http://other.example:{port}/"))]).await;
    let sink = SpanSink::new();
    let client = client_for(&sink, third.address(), &["127.0.0.1"]);

    read_below_a_span(client.get(first.url("/"))).await;

    for (raw_server, learns) in [(&mut first, true), (&mut third, false), (&mut home, true)] {
        let request = raw_server.request().await;
        for field in ["traceparent: ", "baggage: "] {
            assert_eq!(request.contains(field), learns, "{request}");
        }
    }
    assert_eq!(sink.wait_for(3).await.len(), 3);
}
