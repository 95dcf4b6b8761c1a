//! The same exchanges over HTTP/2, on axum.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue},
    routing::get,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use opentelemetry::trace::Status;
use reqwest::Client;
use tests::{Axum, EndedSpanExt, Framework, ScriptStep, Setup, SpanSink, recorded};
use tracing_axum_layer::TracingLayer;

fn client() -> Client {
    Client::builder().http2_prior_knowledge().build().unwrap()
}

#[tokio::test]
async fn a_request_is_described_by_the_conventions() {
    let (server, sink) = recorded::<Axum>().await;

    let request = client().get(server.url("/items/7?page=2"));
    let response = request.header("user-agent", "test/1.0").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "item 7");

    let span = sink.only().await;
    assert_eq!(span.name, "GET /items/{id}");
    assert_eq!(span.text("network.protocol.version"), Some("2"));
    assert_eq!(span.text("url.path"), Some("/items/7"));
    assert_eq!(span.text("url.scheme"), Some("http"));
    assert_eq!(span.text("server.address"), Some("127.0.0.1"));
    assert_eq!(span.integer("server.port"), Some(i64::from(server.address().port())));
    assert_eq!(span.text("user_agent.original"), Some("test/1.0"));
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_eq!(span.attributes.len(), 13, "{span:#?}");
}

#[tokio::test]
async fn a_stream_reset_before_the_head_cancels_the_exchange() {
    let sink = SpanSink::new();
    let setup = Setup::new(&sink);
    let (control, server) = (setup.control.clone(), Axum::serve(setup).await);

    let client = client();
    let sending = tokio::spawn(client.get(server.url("/pending")).send());
    control.entered().await;
    sending.abort();

    assert_eq!(sink.only().await.text("error.type"), Some("cancelled_before_head"));
}

#[tokio::test]
async fn a_stream_reset_mid_body_cancels_the_exchange_and_no_other() {
    let sink = SpanSink::new();
    let setup = Setup::new(&sink);
    let (control, server) = (setup.control.clone(), Axum::serve(setup).await);
    let script = control.script();
    let client = client();

    let sending = client.get(server.url("/stream")).send();
    script.send(ScriptStep::Data("one")).unwrap();
    let mut response = sending.await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "one");
    drop(response);
    client.get(server.url("/items/7")).send().await.unwrap().bytes().await.unwrap();

    let mut spans = sink.wait_for(2).await;
    spans.sort_by_key(|span| span.name.clone());
    assert_eq!(spans[0].status, Status::Unset);
    assert_eq!(spans[1].text("error.type"), Some("cancelled_mid_body"));
}

#[tokio::test]
async fn trailers_arrive_and_end_the_span() {
    let sink = SpanSink::new();
    let layer = TracingLayer::builder().tracer_provider(&sink.provider()).build();
    let app = Router::new().route("/", get(with_trailers)).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });

    let response = http::Response::from(client().get(url).send().await.unwrap());
    let collected = response.into_body().collect().await.unwrap();

    assert_eq!(collected.trailers().unwrap()["x-checksum"], "7");
    let span = sink.only().await;
    assert_eq!(span.status, Status::Unset);
    assert_eq!(span.text("network.protocol.version"), Some("2"));
}

async fn with_trailers() -> Body {
    let trailers = HeaderMap::from_iter([("x-checksum".parse().unwrap(), HeaderValue::from(7))]);
    Body::new(Full::new(Bytes::from_static(b"ok")).with_trailers(async { Some(Ok(trailers)) }))
}
