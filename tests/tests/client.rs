//! The instrumented client: one client span per attempt, ended with the body, connected both ways.

use opentelemetry::{
    Context,
    trace::{SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use tests::{
    Axum, EndedSpanExt, Framework, HandlerControl, ScriptStep, Server, Setup, SpanSink, recorded,
};
use tracing_core_ext::client::{Client, RequestBuilder};

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
    let client = Client::builder().tracer_provider(&sink.provider()).wrap(reqwest::Client::new());
    let setup = Setup::new(&server_sink);
    let control = setup.control.clone();
    Scene { client, sink, server: Axum::serve(setup).await, server_sink, control }
}

#[tokio::test]
async fn a_request_is_described_by_the_conventions() {
    let scene = scene().await;

    let url = scene.server.url("/items/7?page=2&sig=secret");
    let response = scene.client.get(&url).basic_auth("joe", Some("pw")).send().await.unwrap();
    assert_eq!(response.url().as_str(), url);
    assert_eq!(response.content_length(), Some(6));
    assert_eq!(response.text().await.unwrap(), "item 7");

    let span = scene.sink.only().await;
    let port = i64::from(scene.server.address().port());
    assert_eq!(span.name, "GET");
    assert_eq!(span.span_kind, SpanKind::Client);
    assert_eq!(span.text("http.request.method"), Some("GET"));
    assert_eq!(span.text("url.full"), Some(url.replace("secret", "REDACTED").as_str()));
    assert_eq!(span.text("server.address"), Some("127.0.0.1"));
    assert_eq!(span.integer("server.port"), Some(port));
    assert_eq!(span.text("network.peer.address"), Some("127.0.0.1"));
    assert_eq!(span.integer("network.peer.port"), Some(port));
    assert_eq!(span.text("network.protocol.version"), Some("1.1"));
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_eq!(span.attributes.len(), 8, "{span:#?}");
    assert_eq!(span.status, Status::Unset);
}

#[tokio::test]
async fn credentials_in_the_url_are_redacted() {
    let scene = scene().await;
    let url = scene.server.url("/empty").replace("://", "://joe:pw@").parse().unwrap();

    scene.client.execute(reqwest::Request::new(reqwest::Method::GET, url)).await.unwrap();

    let recorded = scene.server.url("/empty").replace("://", "://REDACTED:REDACTED@");
    assert_eq!(scene.sink.only().await.text("url.full"), Some(recorded.as_str()));
}

#[tokio::test]
async fn the_server_span_is_a_child_of_the_client_span_which_is_a_child_of_the_current_one() {
    let scene = scene().await;
    let users = SpanSink::new();
    let parent = users.provider().tracer("users").start("parent");
    let current = Context::new().with_span(parent);

    let sending = {
        let _attached = current.clone().attach();
        scene.client.get(scene.server.url("/empty")).send()
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
async fn the_span_ends_with_the_body() {
    let scene = scene().await;
    let script = scene.control.script();
    script.send(ScriptStep::Data("one")).unwrap();

    let mut response = scene.client.get(scene.server.url("/stream")).send().await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "one");
    assert!(scene.sink.spans().is_empty());
    drop(script);
    assert_eq!(response.chunk().await.unwrap(), None);

    assert_eq!(scene.sink.only().await.status, Status::Unset);
}

#[tokio::test]
async fn a_panic_of_the_caller_is_not_an_error_of_the_call() {
    let scene = scene().await;
    let script = scene.control.script();
    script.send(ScriptStep::Data("one")).unwrap();
    let sending = scene.client.get(scene.server.url("/stream")).send();

    let caller = tokio::spawn(async move {
        let _response = sending.await.unwrap();
        panic!("scripted");
    });
    caller.await.unwrap_err();

    let span = scene.sink.only().await;
    assert_eq!(span.status, Status::Unset);
    assert_eq!(span.attribute("error.type"), None);
}

#[tokio::test]
async fn a_request_that_cannot_be_built_has_no_span() {
    let scene = scene().await;
    scene.client.get("no url").send().await.unwrap_err();
    assert!(scene.sink.spans().is_empty());
}

#[tokio::test]
async fn a_client_built_from_a_reqwest_client_injects_without_an_sdk() {
    let scene = scene().await;
    let client = Client::from(reqwest::Client::new());
    let users = SpanSink::new();
    let current = Context::new().with_span(users.provider().tracer("users").start("parent"));

    let sending = {
        let _attached = current.clone().attach();
        client.get(scene.server.url("/empty")).send()
    };
    sending.await.unwrap();
    drop(current);

    assert!(scene.server_sink.only().await.is_child_of(&users.only().await));
}

#[tokio::test]
async fn a_form_of_several_parts_is_sent_and_the_client_inside_can_be_used() {
    let sink = SpanSink::new();
    let (server, _server_sink) = recorded::<Axum>().await;
    let client = Client::builder().tracer_provider(&sink.provider()).build();

    let form = reqwest::multipart::Form::new().text("item", "tea");
    let response = client.post(server.url("/echo")).multipart(form).send().await.unwrap();
    let text = response.text().await.unwrap();
    assert!(text.contains("name=\"item\"\r\n\r\ntea"), "{text}");
    assert_eq!(sink.only().await.name, "POST");

    let request = client.inner().get(server.url("/items/7")).build().unwrap();
    let request = RequestBuilder::from_parts(client.clone(), request).url_template("/items/{id}");
    request.map(|inner| inner.header("x-tenant", "blue")).send().await.unwrap();
    assert_eq!(sink.wait_for(2).await[1].name, "GET /items/{id}");

    client.inner().get(server.url("/items/7")).send().await.unwrap();
    assert_eq!(sink.spans().len(), 2, "the client inside makes no spans");
}
