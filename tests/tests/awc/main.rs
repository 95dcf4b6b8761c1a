//! The client of actix: one client span per request and redirect hop, ended with the body, connected both ways.

mod redirects;

use std::{future::Future, io, time::Duration};

use actix_web::{
    App,
    rt::{self, task::JoinHandle},
    test, web,
};
use awc::{Client, ClientResponse};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use opentelemetry::{
    Context,
    trace::{SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use tests::{
    Actix, EndedSpanExt, Framework, HandlerControl, ScriptStep, Server, Setup, SpanSink,
    assert_error, assert_no_error,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tracing_actix_middleware::{
    Tracing,
    client::{ClientTracing, ResendCount, UrlTemplate},
};
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    exchange::Builder,
    http::{AllowedHosts, CapturedHeaders},
    propagation::JaegerPropagator,
};

fn builder(sink: &SpanSink) -> Builder<ClientTracing> {
    ClientTracing::builder().tracer_provider(&sink.provider())
}

fn client(tracing: ClientTracing) -> Client {
    Client::builder().wrap(tracing).finish()
}

/// A client with its own sink, and a server to call.
struct Scene {
    client: Client,
    sink: SpanSink,
    server: Server,
    server_sink: SpanSink,
    control: HandlerControl,
}

async fn scene() -> Scene {
    let (sink, server_sink) = (SpanSink::new(), SpanSink::new());
    let setup = Setup::new(&server_sink);
    let control = setup.control.clone();
    let server = Actix::serve(setup).await;
    Scene { client: client(builder(&sink).build()), sink, server, server_sink, control }
}

/// Runs `send` below the current span, and returns that span with the result.
async fn below_a_span<F: Future>(send: impl FnOnce() -> F) -> (EndedSpan, F::Output) {
    let users = SpanSink::new();
    let current = Context::new().with_span(users.provider().tracer("users").start("parent"));
    let sending = {
        let _attached = current.clone().attach();
        send()
    };
    let output = sending.await;
    current.span().end();
    (users.only().await, output)
}

async fn read(mut response: ClientResponse) -> String {
    String::from_utf8(response.body().await.unwrap().to_vec()).unwrap()
}

#[actix_web::test]
async fn a_request_is_described_by_the_conventions() {
    let scene = scene().await;

    let url = scene.server.url("/items/7?page=2&sig=secret");
    let mut response = scene.client.get(&url).send().await.unwrap();
    assert!(scene.sink.spans().is_empty());
    assert_eq!(response.body().await.unwrap(), "item 7");

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
    assert_no_error(&span);
}

#[actix_web::test]
async fn the_server_span_is_a_child_of_the_client_span_which_is_a_child_of_the_current_one() {
    let scene = scene().await;

    let (parent, response) =
        below_a_span(|| rt::spawn(scene.client.get(scene.server.url("/empty")).send())).await;
    drop(response.unwrap().unwrap());

    let (client, server) = (scene.sink.only().await, scene.server_sink.only().await);
    assert!(client.is_child_of(&parent));
    assert!(server.is_child_of(&client));
    assert!(server.parent_span_is_remote);
}

#[actix_web::test]
async fn a_call_of_a_handler_is_a_child_of_its_request() {
    let scene = scene().await;
    let (url, client) = (scene.server.url("/items/7"), scene.client.clone());
    let handler = move || {
        let sending = client.get(&url).send();
        async move { sending.await.unwrap().body().await.unwrap() }
    };
    let handlers = SpanSink::new();
    let tracing = Tracing::builder().tracer_provider(&handlers.provider()).build();
    let app = App::new().route("/", web::get().to(handler)).wrap(tracing);

    let request = test::TestRequest::get().to_request();
    test::call_and_read_body(&test::init_service(app).await, request).await;

    let span = scene.sink.only().await;
    assert!(span.is_child_of(&handlers.only().await));
    assert!(scene.server_sink.only().await.is_child_of(&span));
}

#[actix_web::test]
async fn a_frozen_request_has_a_span_each_time_it_is_sent() {
    let scene = scene().await;
    let frozen = scene.client.get(scene.server.url("/empty")).freeze().unwrap();

    frozen.send().await.unwrap();
    frozen.extra_header(("x-more", "1")).send().await.unwrap();

    let (clients, servers) = (scene.sink.wait_for(2).await, scene.server_sink.wait_for(2).await);
    assert!(servers[0].is_child_of(&clients[0]));
    assert!(servers[1].is_child_of(&clients[1]));
    assert_ne!(clients[0].id(), clients[1].id());
}

#[actix_web::test]
async fn a_frozen_request_sends_context_only_to_allowed_hosts() {
    let allowed: [(&[&str], bool); 2] = [(&["127.0.0.1"], true), (&["shop.example"], false)];
    for (allowed, learns) in allowed {
        let scene = scene().await;
        let tracing = builder(&scene.sink).allowed_hosts(AllowedHosts::new(allowed).unwrap());
        let request = client(tracing.build()).get(scene.server.url("/headers"));
        let request =
            request.append_header(("baggage", "a=1")).append_header(("tracestate", "a=1"));
        let frozen = request.append_header(("x-kept", "1")).freeze().unwrap();

        for _ in 0..2 {
            let sending = frozen.extra_header(("x-kept", "2")).send();
            let headers = read(sending.await.unwrap()).await;
            assert_eq!(headers.contains("traceparent: "), learns, "{headers}");
            assert_eq!(headers.contains("baggage: "), learns, "{headers}");
            assert!(!headers.contains("tracestate"), "{headers}");
            assert!(headers.contains("x-kept: 2") && !headers.contains("x-kept: 1"), "{headers}");
        }
    }
}

#[actix_web::test]
async fn all_fields_of_a_frozen_request_are_captured() {
    let scene = scene().await;
    let captured = CapturedHeaders::new(["x-frozen", "x-more"]).unwrap();
    let tracing = builder(&scene.sink).capture_request_headers(captured);
    let request = client(tracing.build()).get(scene.server.url("/empty"));
    let frozen = request.append_header(("x-frozen", "1")).freeze().unwrap();

    frozen.extra_header(("x-more", "2")).send().await.unwrap();

    let span = scene.sink.only().await;
    assert_eq!(span.texts("http.request.header.x-frozen"), ["1"]);
    assert_eq!(span.texts("http.request.header.x-more"), ["2"]);
}

#[actix_web::test]
async fn an_unreachable_server_is_a_connection_error() {
    let scene = scene().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();

    scene.client.get(format!("http://{closed}/")).send().await.unwrap_err();

    let span = scene.sink.only().await;
    assert_eq!(span.attribute("http.response.status_code"), None);
    assert_eq!(span.attribute("network.protocol.version"), None);
    assert_error(&span, "connection_error");
}

#[actix_web::test]
async fn a_server_that_does_not_respond_is_a_failed_request() {
    let scene = scene().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());

    let sending = rt::spawn(scene.client.get(url).send());
    drop(listener.accept().await.unwrap());
    sending.await.unwrap().unwrap_err();

    assert_error(&scene.sink.only().await, "request_error");
}

#[actix_web::test]
async fn a_time_limit_of_the_client_drops_the_request_without_an_error() {
    let scene = scene().await;
    let request = scene.client.get(scene.server.url("/pending")).timeout(Duration::from_millis(50));

    request.send().await.unwrap_err();

    assert_no_error(&scene.sink.only().await);
}

#[actix_web::test]
async fn a_body_that_fails_is_an_error() {
    let scene = scene().await;
    let (url, peer) =
        peer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n").await;

    let mut response = scene.client.get(url).send().await.unwrap();
    response.body().await.unwrap_err();
    peer.await.unwrap();

    assert_error(&scene.sink.only().await, "body_error");
}

#[actix_web::test]
async fn the_span_ends_with_the_body() {
    let scene = scene().await;
    let script = scene.control.script();
    script.send(ScriptStep::Data("one")).unwrap();

    let mut response = scene.client.get(scene.server.url("/stream")).send().await.unwrap();
    assert_eq!(response.next().await.unwrap().unwrap(), "one");
    assert!(scene.sink.spans().is_empty());
    drop(script);
    assert!(response.next().await.is_none());

    assert_no_error(&scene.sink.only().await);
}

#[actix_web::test]
async fn a_response_that_the_caller_drops_is_not_an_error() {
    let scene = scene().await;
    let script = scene.control.script();
    script.send(ScriptStep::Data("one")).unwrap();

    drop(scene.client.get(scene.server.url("/stream")).send().await.unwrap());

    let span = scene.sink.only().await;
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_no_error(&span);
}

#[actix_web::test]
async fn a_future_that_the_caller_drops_is_not_an_error() {
    let scene = scene().await;

    let sending = rt::spawn(scene.client.get(scene.server.url("/pending")).send());
    scene.control.entered().await;
    sending.abort();

    let span = scene.sink.only().await;
    assert_eq!(span.attribute("http.response.status_code"), None);
    assert_no_error(&span);
}

#[actix_web::test]
async fn both_bodies_are_counted() {
    let scene = scene().await;
    let client = client(builder(&scene.sink).body_sizes(true).build());

    let mut response = client.get(scene.server.url("/items/7")).send_body("four").await.unwrap();
    response.body().await.unwrap();

    let span = scene.sink.only().await;
    assert_eq!(span.integer("http.request.body.size"), Some(4));
    assert_eq!(span.integer("http.response.body.size"), Some(6));
}

#[actix_web::test]
async fn the_size_of_a_request_of_unknown_length_is_left_out() {
    let scene = scene().await;
    let client = client(builder(&scene.sink).body_sizes(true).build());
    let chunks = stream::iter([Ok::<_, io::Error>(Bytes::from("unknown"))]);

    client.post(scene.server.url("/echo")).send_stream(chunks).await.unwrap().body().await.unwrap();
    client.get(scene.server.url("/items/7")).send().await.unwrap().body().await.unwrap();

    let spans = scene.sink.wait_for(2).await;
    assert_eq!(spans[0].attribute("http.request.body.size"), None);
    assert_eq!(spans[0].integer("http.response.body.size"), Some(7));
    assert_eq!(spans[1].integer("http.request.body.size"), Some(0));
}

#[actix_web::test]
async fn fields_without_fixed_names_are_sent_only_to_allowed_hosts() {
    let scene = scene().await;
    let tracing = builder(&scene.sink)
        .propagator(JaegerPropagator::new())
        .allowed_hosts(AllowedHosts::new(["shop.example"]).unwrap());
    let request = client(tracing.build()).get(scene.server.url("/headers"));

    let sending = request.insert_header(("uberctx-tenant", "blue")).send();
    let headers = read(sending.await.unwrap()).await;

    assert!(!headers.contains("uber"), "{headers}");
}

#[actix_web::test]
async fn a_body_is_sent_in_scope() {
    let scene = scene().await;
    let users = SpanSink::new();
    let provider = users.provider();
    let body = stream::once(async move {
        drop(provider.tracer("users").start("read"));
        Ok::<_, io::Error>(Bytes::from_static(b"one"))
    });

    scene.client.post(scene.server.url("/items/7")).send_stream(Box::pin(body)).await.unwrap();

    assert!(users.only().await.is_child_of(&scene.sink.only().await));
}

/// Starts a server that answers one request with `response`, and returns the request.
async fn peer(response: &str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let response = response.to_owned();
    let answering = rt::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "the request has an end");
        }
        stream.write_all(response.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, answering)
}

#[actix_web::test]
async fn a_websocket_ends_the_span_at_the_handshake() {
    let scene = scene().await;
    let (url, peer) = peer("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n").await;

    // The peer does not complete the WebSocket handshake, but it has switched protocols.
    assert!(scene.client.ws(url).connect().await.is_err());

    let span = scene.sink.only().await;
    assert_eq!(span.integer("http.response.status_code"), Some(101));
    assert_no_error(&span);
    let request = peer.await.unwrap();
    assert!(request.contains(&format!("-{}-03", span.id())), "{request}");
}

#[actix_web::test]
async fn a_request_has_a_template_and_a_resend_count_that_are_not_sent() {
    let scene = scene().await;

    let request = scene.client.get(scene.server.url("/headers"));
    let request = request.insert_header(UrlTemplate::new("/headers/{id}"));
    let mut response = request.insert_header(ResendCount::new(2)).send().await.unwrap();
    let sent = String::from_utf8(response.body().await.unwrap().to_vec()).unwrap();
    scene.client.get(scene.server.url("/empty")).send().await.unwrap();

    let spans = scene.sink.wait_for(2).await;
    assert_eq!(spans[0].name, "GET /headers/{id}");
    assert_eq!(spans[0].text("url.template"), Some("/headers/{id}"));
    assert_eq!(spans[0].integer("http.request.resend_count"), Some(2));
    assert!(!sent.contains("x-tracing"), "{sent}");
    assert_eq!(spans[1].name, "GET");
    assert_eq!(spans[1].attribute("http.request.resend_count"), None);
}
