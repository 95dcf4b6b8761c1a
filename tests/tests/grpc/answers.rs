//! Answers that a tonic client does not receive: from services that `TracingLayer` wraps without a connection.

use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Request, Response, header::CONTENT_TYPE},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::WithTrailers};
use tests::{EndedSpanExt, SpanSink, assert_error, assert_no_error};
use tonic::service::Routes;
use tower::{Layer, ServiceExt, service_fn};
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::exchange::ExchangeBody;
use tracing_core_ext::testing::EndedSpan;

#[tokio::test]
async fn a_content_type_alone_does_not_make_a_call() {
    let sink = SpanSink::new();
    let layer = TracingLayer::builder().tracer_provider(&sink.provider()).build();
    let items = axum::routing::post(async || [("grpc-status", "13")]);
    let app: Router = Router::new().route("/items/{id}", items).layer(layer);
    let call = Request::post("/items/8371").header(CONTENT_TYPE, "application/grpc");

    app.oneshot(call.body(Body::empty()).unwrap()).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.name, "POST /items/{id}");
    for absent in ["rpc.method", "rpc.response.status_code", "error.type"] {
        assert_eq!(span.attribute(absent), None);
    }
}

/// The span of a gRPC-Web call that is answered with these parts, as by a layer for gRPC-Web inside.
async fn span_of_web_call(content_type: &'static str, chunks: &[&'static [u8]]) -> EndedSpan {
    let sink = SpanSink::new();
    let layer = TracingLayer::builder().tracer_provider(&sink.provider()).build();
    let chunks: Vec<_> = chunks.iter().map(|chunk| Ok::<_, Infallible>(*chunk)).collect();
    let service = layer.layer(service_fn(move |_: Request<Body>| {
        let body = Body::from_stream(futures_util::stream::iter(chunks.clone()));
        let response = Response::builder().header(CONTENT_TYPE, content_type).body(body);
        async { Ok::<_, Infallible>(response.unwrap()) }
    }));
    let call = Request::post("/shop.Stock/Count").header(CONTENT_TYPE, content_type);

    let response = service.oneshot(call.body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    sink.only().await
}

#[tokio::test]
async fn a_call_of_grpc_web_is_a_call_outside_of_the_layer_that_translates_it() {
    let binary: &[&[u8]] = &[b"\0\0\0\0\x02ab", b"\x80\0\0\0\x10grpc-status:13\r\n"];
    let text: &[&[u8]] = &[b"AAAAAAJhYg==", b"gAAAABFncnBjLXN0YXR1czogMTMNCg=="];
    for (content_type, chunks) in [
        ("application/grpc-web", binary),
        ("application/grpc-web+proto", binary),
        ("application/grpc-web-text", text),
        ("application/grpc-web-text+proto", text),
    ] {
        let span = span_of_web_call(content_type, chunks).await;
        assert_eq!(span.name, "shop.Stock/Count", "{content_type}");
        assert_eq!(span.text("rpc.system.name"), Some("grpc"));
        assert_eq!(span.text("rpc.method"), Some("shop.Stock/Count"));
        assert_eq!(span.text("rpc.response.status_code"), Some("INTERNAL"));
        assert_error(&span, "INTERNAL");
    }
}

type Answer = WithTrailers<Full<Bytes>, Ready<Option<Result<HeaderMap, Infallible>>>>;

/// Calls a service whose response has a body of known length, followed by trailers.
async fn answer(
    sink: &SpanSink,
    body: &'static str,
    status: Option<&'static str>,
) -> ExchangeBody<Answer> {
    let layer = TracingLayer::builder().tracer_provider(&sink.provider()).build();
    let service = layer.layer(service_fn(move |_: Request<Body>| {
        let trailers = status.map(|status| {
            let status = ("grpc-status".parse().unwrap(), HeaderValue::from_static(status));
            Ok::<_, Infallible>(HeaderMap::from_iter([status]))
        });
        let body = Full::new(Bytes::from_static(body.as_bytes()));
        let mut response = Response::new(body.with_trailers(ready(trailers)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        async { Ok::<_, Infallible>(response) }
    }));

    let call = Request::post("/shop.Stock/Count").header(CONTENT_TYPE, "application/grpc");
    service.oneshot(call.body(Body::empty()).unwrap()).await.unwrap().into_body()
}

#[tokio::test]
async fn the_status_follows_a_body_of_known_length() {
    for body in ["message", ""] {
        let sink = SpanSink::new();
        answer(&sink, body, Some("13")).await.collect().await.unwrap();
        let span = sink.only().await;
        assert_eq!(span.text("rpc.response.status_code"), Some("INTERNAL"));
        assert_error(&span, "INTERNAL");
    }
}

#[tokio::test]
async fn a_call_without_a_status_is_complete_at_its_declared_length() {
    let sink = SpanSink::new();
    let mut body = answer(&sink, "message", None).await;
    body.frame().await.unwrap().unwrap();
    assert!(sink.spans().is_empty());
    drop(body);

    let span = sink.only().await;
    assert_eq!(span.attribute("rpc.response.status_code"), None);
    assert_no_error(&span);
}

#[tokio::test]
async fn a_path_without_a_method_is_a_call_without_a_name() {
    let sink = SpanSink::new();
    let layer = TracingLayer::builder().tracer_provider(&sink.provider()).build();
    let call = Request::post("/wrong").header(CONTENT_TYPE, "application/grpc");
    let call = call.body(tonic::body::Body::empty()).unwrap();

    layer.layer(Routes::default().prepare()).oneshot(call).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.name, "grpc");
    assert_eq!(span.text("rpc.method"), Some("_OTHER"));
    assert_eq!(span.text("rpc.method_original"), Some("/wrong"));
}
