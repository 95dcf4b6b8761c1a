//! The client as a Tower layer: a request over hyper's client is one client span, independent of
//! the task that polls it.

use std::{convert::Infallible, io, rc::Rc};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry::{
    Context,
    trace::{SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use tests::{
    Axum, EndedSpanExt, Framework, HandlerControl, MetricSink, ScriptStep, Server, Setup, SpanSink,
    assert_error, assert_no_error,
};
use tokio::net::TcpListener;
use tower::{Layer, Service, ServiceExt, service_fn};
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    client::{ClientLayer, ClientService, ResendCount, UrlTemplate},
    exchange::Builder,
};

use axum::{
    body::Body,
    http::{Method, Request, Response, Version, header::HOST},
};

type Hyper = legacy::Client<HttpConnector, Body>;

fn hyper() -> Hyper {
    legacy::Client::builder(TokioExecutor::new()).build_http()
}

fn builder(sink: &SpanSink) -> Builder<ClientLayer> {
    ClientLayer::builder().tracer_provider(&sink.provider())
}

fn get(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).unwrap()
}

/// A client with its own sink, and a server to call.
struct Scene {
    client: ClientService<Hyper>,
    sink: SpanSink,
    server: Server,
    server_sink: SpanSink,
    control: HandlerControl,
}

async fn scene() -> Scene {
    let (sink, server_sink) = (SpanSink::new(), SpanSink::new());
    let client = builder(&sink).build().layer(hyper());
    let setup = Setup::new(&server_sink);
    let control = setup.control.clone();
    Scene { client, sink, server: Axum::serve(setup).await, server_sink, control }
}

#[tokio::test]
async fn a_request_is_described_by_the_conventions() {
    let mut scene = scene().await;

    let url = scene.server.url("/items/7?page=2&sig=secret");
    let response = scene.client.call(get(&url)).await.unwrap();
    assert!(scene.sink.spans().is_empty());
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "item 7");

    let span = scene.sink.only().await;
    assert_eq!(span.name, "GET");
    assert_eq!(span.span_kind, SpanKind::Client);
    assert_eq!(span.text("http.request.method"), Some("GET"));
    assert_eq!(span.text("url.full"), Some(url.replace("secret", "REDACTED").as_str()));
    assert_eq!(span.text("server.address"), Some("127.0.0.1"));
    assert_eq!(span.integer("server.port"), Some(scene.server.address().port().into()));
    assert_eq!(span.text("network.protocol.version"), Some("1.1"));
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_eq!(span.attributes.len(), 6, "{span:#?}");
    assert_eq!(span.status, Status::Unset);
}

#[tokio::test]
async fn the_server_span_is_a_child_of_the_client_span_which_is_a_child_of_the_current_one() {
    let mut scene = scene().await;
    let users = SpanSink::new();
    let current = Context::new().with_span(users.provider().tracer("users").start("parent"));

    let sending = {
        let _attached = current.clone().attach();
        scene.client.call(get(&scene.server.url("/empty")))
    };
    tokio::spawn(sending).await.unwrap().unwrap();
    drop(current);

    let (parent, client, server) =
        (users.only().await, scene.sink.only().await, scene.server_sink.only().await);
    assert!(client.is_child_of(&parent));
    assert!(server.is_child_of(&client));
    assert!(server.parent_span_is_remote);
}

#[tokio::test]
async fn every_attempt_of_a_retry_has_its_own_span() {
    let scene = scene().await;
    let url = scene.server.url("/status/503");
    let twice = service_fn(async |request: Request<Body>| {
        let (client, url) = (scene.client.clone(), request.uri().to_string());
        client.clone().oneshot(request).await?.into_body().collect().await.unwrap();
        client.oneshot(get(&url)).await
    });

    twice.oneshot(get(&url)).await.unwrap().into_body().collect().await.unwrap();

    let spans = scene.sink.wait_for(2).await;
    assert_ne!(spans[0].id(), spans[1].id());
    scene.server_sink.wait_for(2).await;
}

#[tokio::test]
async fn an_unreachable_server_is_a_failed_request() {
    let mut scene = scene().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();

    scene.client.call(get(&format!("http://{closed}/"))).await.unwrap_err();

    let span = scene.sink.only().await;
    assert_eq!(span.attribute("http.response.status_code"), None);
    assert_eq!(span.attribute("network.protocol.version"), None);
    assert_error(&span, "request_error");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let mut scene = scene().await;
    let script = scene.control.script();
    script.send(ScriptStep::Data("one")).unwrap();

    let response = scene.client.call(get(&scene.server.url("/stream"))).await.unwrap();
    script.send(ScriptStep::Error).unwrap();
    response.into_body().collect().await.unwrap_err();

    assert_error(&scene.sink.only().await, "body_error");
}

#[tokio::test]
async fn a_body_that_the_caller_drops_is_not_an_error() {
    let mut scene = scene().await;
    let script = scene.control.script();
    script.send(ScriptStep::Data("one")).unwrap();

    let mut body = scene.client.call(get(&scene.server.url("/stream"))).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    assert!(scene.sink.spans().is_empty());
    drop(body);

    let span = scene.sink.only().await;
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_no_error(&span);
}

#[tokio::test]
async fn a_future_that_the_caller_drops_is_not_an_error() {
    let mut scene = scene().await;

    let sending = tokio::spawn(scene.client.call(get(&scene.server.url("/pending"))));
    scene.control.entered().await;
    sending.abort();

    let span = scene.sink.only().await;
    assert_eq!(span.attribute("http.response.status_code"), None);
    assert_no_error(&span);
}

/// Returns the span of a request that a service answers without a network.
async fn span_of(request: Request<Body>) -> EndedSpan {
    let sink = SpanSink::new();
    let answer = async |_| Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()));
    builder(&sink).build().layer(service_fn(answer)).oneshot(request).await.unwrap();
    sink.only().await
}

#[tokio::test]
async fn a_server_has_the_default_port_of_its_scheme() {
    let span = span_of(get("https://shop.example")).await;
    assert_eq!(span.text("url.full"), Some("https://shop.example/"));
    assert_eq!(span.text("server.address"), Some("shop.example"));
    assert_eq!(span.integer("server.port"), Some(443));
    assert_eq!(span_of(get("http://shop.example/")).await.integer("server.port"), Some(80));
}

#[tokio::test]
async fn an_ipv6_address_has_no_brackets() {
    let span = span_of(get("http://[::1]:8080/items")).await;
    assert_eq!(span.text("url.full"), Some("http://[::1]:8080/items"));
    assert_eq!(span.text("server.address"), Some("::1"));
    assert_eq!(span.integer("server.port"), Some(8080));
}

#[tokio::test]
async fn credentials_in_the_url_are_redacted() {
    let span = span_of(get("http://joe:pw@shop.example/")).await;
    assert_eq!(span.text("url.full"), Some("http://REDACTED:REDACTED@shop.example/"));
    assert_eq!(span.text("server.address"), Some("shop.example"));
}

#[tokio::test]
async fn a_target_without_a_server_has_that_of_the_host_header() {
    let mut request = get("/items/7?page=2");
    request.headers_mut().insert(HOST, "shop.example:8080".parse().unwrap());

    let span = span_of(request).await;

    assert_eq!(span.text("url.full"), Some("http://shop.example:8080/items/7?page=2"));
    assert_eq!(span.text("server.address"), Some("shop.example"));
    assert_eq!(span.integer("server.port"), Some(8080));
}

#[tokio::test]
async fn options_of_a_whole_server_have_its_address() {
    let mut request = get("*");
    *request.method_mut() = Method::OPTIONS;
    request.headers_mut().insert(HOST, "inventory:8080".parse().unwrap());

    let span = span_of(request).await;

    assert_eq!(span.text("url.full"), Some("http://inventory:8080"));
    assert_eq!(span.text("server.address"), Some("inventory"));
    assert_eq!(span.integer("server.port"), Some(8080));
}

#[tokio::test]
async fn a_target_without_any_server_has_its_path() {
    let span = span_of(get("/items/7?page=2")).await;
    assert_eq!(span.text("url.full"), Some("/items/7?page=2"));
    assert_eq!(span.attribute("server.address"), None);
    assert_eq!(span.attribute("server.port"), None);
}

#[tokio::test]
async fn the_version_is_that_of_the_response() {
    let sink = SpanSink::new();
    let service = service_fn(async |_: Request<Body>| {
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.version_mut() = Version::HTTP_2;
        Ok::<_, Infallible>(response)
    });

    builder(&sink).build().layer(service).oneshot(get("http://shop.example/")).await.unwrap();

    assert_eq!(sink.only().await.text("network.protocol.version"), Some("2"));
}

#[tokio::test]
async fn both_bodies_are_counted() {
    let sink = SpanSink::new();
    let layer = builder(&sink).body_sizes(true).build();
    let service = layer.layer(service_fn(async |_: Request<Body>| {
        let chunks = [Ok::<_, io::Error>("one"), Ok("three")];
        Ok::<_, Infallible>(Response::new(Body::from_stream(stream::iter(chunks))))
    }));

    let request = Request::post("http://shop.example/").body(Body::from("four")).unwrap();
    service.oneshot(request).await.unwrap().into_body().collect().await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.integer("http.request.body.size"), Some(4));
    assert_eq!(span.integer("http.response.body.size"), Some(8));
}

#[tokio::test]
async fn the_size_of_a_request_of_unknown_length_is_left_out() {
    let (sink, metrics) = (SpanSink::new(), MetricSink::new());
    let builder = builder(&sink).meter_provider(metrics.provider());
    let layer = builder.body_sizes(true).build();
    let service = layer.layer(service_fn(async |request: Request<Body>| {
        request.into_body().collect().await.unwrap();
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let chunks = stream::iter([Ok::<_, io::Error>("unknown")]);

    let request = Request::post("http://shop.example/").body(Body::from_stream(chunks)).unwrap();
    service.oneshot(request).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.attribute("http.request.body.size"), None);
    assert_eq!(span.integer("http.response.body.size"), Some(0));
    assert!(metrics.series("http.client.request.body.size").is_empty());
}

#[tokio::test]
async fn extensions_set_the_template_and_the_resend_count() {
    let mut request = get("http://shop.example/items/7");
    request.extensions_mut().insert(UrlTemplate::new("/items/{id}"));
    request.extensions_mut().insert(ResendCount::new(2));

    let span = span_of(request).await;

    assert_eq!(span.name, "GET /items/{id}");
    assert_eq!(span.text("url.template"), Some("/items/{id}"));
    assert_eq!(span.integer("http.request.resend_count"), Some(2));
}

#[tokio::test]
async fn neither_client_nor_bodies_have_to_be_send() {
    let sink = SpanSink::new();
    let here = Rc::new("here");
    let service = service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(*here.clone()))))
    });

    let request = Request::get("http://shop.example/").body(Full::default()).unwrap();
    let response = builder(&sink).build().layer(service).oneshot(request).await.unwrap();

    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "here");
    assert_no_error(&sink.only().await);
}

#[tokio::test]
async fn the_client_runs_in_the_scope_of_the_span() {
    let sink = SpanSink::new();
    let provider = sink.provider();
    let native = provider.clone();
    let service = service_fn(async |_: Request<Body>| {
        drop(native.tracer("native").start("connect"));
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });

    let layer = ClientLayer::builder().tracer_provider(&provider).build();
    layer.layer(service).oneshot(get("http://shop.example/")).await.unwrap();

    let spans = sink.wait_for(2).await;
    assert!(spans[0].is_child_of(&spans[1]), "{spans:#?}");
}

#[tokio::test]
async fn a_panic_of_the_client_is_an_error() {
    let sink = SpanSink::new();
    let panics = async |_| -> Result<Response<Empty<Bytes>>, Infallible> { panic!("scripted") };
    let sending = builder(&sink).build().layer(service_fn(panics)).oneshot(get("http://h/"));

    tokio::spawn(sending).await.unwrap_err();

    assert_error(&sink.only().await, "panic");
}
