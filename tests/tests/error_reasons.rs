//! The reason of an error is the description of the span's status and the message of an `exception` event.

use std::{convert::Infallible, time::Duration};

use ::axum::body::Body;
use actix_web::{App, HttpResponse, ResponseError, test, web};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy, rt::TokioExecutor};
use opentelemetry::trace::Status;
use tests::{
    AfterResponse, Axum, EndedSpanExt, Framework, OrderError, RawServer, ScriptStep, SpanSink,
    on_both_frameworks_either_way, recorded, span_of_broken_body,
};
use tokio::net::TcpListener;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tracing_actix_middleware::{Tracing, client::ClientTracing};
use tracing_core_ext::client::{Client, ClientLayer};
use tracing_core_ext::testing::EndedSpan;

on_both_frameworks_either_way![
    an_error_of_a_handler_is_described_with_its_sources,
    a_mistake_of_the_caller_is_not_described,
    a_panic_of_a_handler_is_described,
    a_panic_of_a_body_is_described,
    an_error_of_a_body_is_described,
];

/// Description of the status, after a check that the only `exception` event has the same message.
fn reason(span: &EndedSpan) -> &str {
    let Status::Error { description } = &span.status else { panic!("no error: {span:#?}") };
    let exceptions: Vec<_> = span.events.iter().filter(|it| it.name == "exception").collect();
    assert_eq!(exceptions.len(), 1, "{span:#?}");
    let message = exceptions[0].attributes.iter().find(|it| it.key.as_str() == "exception.message");
    assert_eq!(message.unwrap().value.as_str(), *description);
    assert!(exceptions[0].timestamp <= span.end_time);
    description
}

#[track_caller]
fn assert_reason(span: &EndedSpan, error_type: &str, part: &str) {
    assert_eq!(span.text("error.type"), Some(error_type));
    assert!(reason(span).contains(part), "{part} in {}", reason(span));
}

async fn an_error_of_a_handler_is_described_with_its_sources<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    reqwest::get(server.url("/fails")).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.text("error.type"), Some("500"));
    assert_eq!(reason(&span), "the order failed: no stock");
}

async fn a_mistake_of_the_caller_is_not_described<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    reqwest::get(server.url("/fails?mistake")).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.status, Status::Unset);
    assert!(span.events.iter().all(|event| event.name != "exception"), "{span:#?}");
}

async fn a_panic_of_a_handler_is_described<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    reqwest::get(server.url("/panic")).await.unwrap_err();

    assert_reason(&sink.only().await, "panic", "scripted");
}

async fn a_panic_of_a_body_is_described<F: Framework>() {
    assert_reason(&span_of_broken_body::<F>(ScriptStep::Panic).await, "panic", "scripted");
}

async fn an_error_of_a_body_is_described<F: Framework>() {
    assert_reason(&span_of_broken_body::<F>(ScriptStep::Error).await, "body_error", "scripted");
}

/// A URL that refuses connections.
async fn refused() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/items?token=secret", listener.local_addr().unwrap())
}

fn client(sink: &SpanSink) -> Client {
    let builder = Client::builder().tracer_provider(&sink.provider());
    builder.redact_query_keys(["token"]).build()
}

#[tokio::test]
async fn a_refused_connection_is_described_without_credentials() {
    let sink = SpanSink::new();

    client(&sink).get(refused().await).send().await.unwrap_err();

    let span = sink.only().await;
    assert_reason(&span, "connection_error", "Connection refused");
    assert!(reason(&span).contains("token=REDACTED"), "{}", reason(&span));
    assert!(!format!("{span:?}").contains("secret"), "{span:#?}");
}

#[tokio::test]
async fn a_host_that_does_not_resolve_is_described() {
    let sink = SpanSink::new();
    client(&sink).get("http://nowhere.invalid/").send().await.unwrap_err();
    assert_reason(&sink.only().await, "connection_error", "dns error");
}

#[tokio::test]
async fn a_time_limit_is_described() {
    let sink = SpanSink::new();
    let raw_server = RawServer::serve([("", AfterResponse::Wait)]).await;
    let request = client(&sink).get(raw_server.url("/")).timeout(Duration::from_millis(50));

    request.send().await.unwrap_err();

    assert_reason(&sink.only().await, "timeout", "timed out");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_described() {
    let sink = SpanSink::new();
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    let raw_server = RawServer::serve([(half, AfterResponse::Close)]).await;

    let response = client(&sink).get(raw_server.url("/")).send().await.unwrap();
    response.bytes().await.unwrap_err();

    assert_reason(&sink.only().await, "body_error", "end of file before message length reached");
}

#[tokio::test]
async fn a_failed_call_of_a_tower_client_is_described() {
    let sink = SpanSink::new();
    let layer = ClientLayer::builder().tracer_provider(&sink.provider()).build();
    let hyper = legacy::Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let request = Request::get(refused().await).body(Empty::new()).unwrap();

    assert!(layer.layer(hyper).oneshot(request).await.is_err());

    assert_reason(&sink.only().await, "request_error", "Connection refused");
}

/// The span of a call to a Tower service that fails.
async fn span_of_error(error: impl Into<BoxError>) -> EndedSpan {
    let sink = SpanSink::new();
    let layer = ClientLayer::builder().tracer_provider(&sink.provider()).build();
    let mut error = Some(error.into());
    let service = service_fn(move |_: Request<Body>| {
        let error = error.take().expect("one call");
        async move { Err::<Response<Body>, BoxError>(error) }
    });
    let request = Request::get("http://shop.example/").body(Body::empty()).unwrap();
    layer.layer(service).oneshot(request).await.map(drop).unwrap_err();
    sink.only().await
}

#[tokio::test]
async fn an_error_of_unknown_type_is_described_with_its_sources() {
    let span = span_of_error(OrderError::default()).await;
    assert_reason(&span, "request_error", "the order failed: no stock");
}

#[tokio::test]
async fn time_limits_of_tower_and_tokio_are_timeouts() {
    let elapsed = tokio::time::timeout(Duration::ZERO, std::future::pending::<()>()).await;
    let errors: [BoxError; 3] = [
        tower::timeout::error::Elapsed::new().into(),
        elapsed.unwrap_err().into(),
        std::io::Error::from(std::io::ErrorKind::TimedOut).into(),
    ];
    for error in errors {
        let message = error.to_string();
        assert_reason(&span_of_error(error).await, "timeout", &message);
    }
}

#[tokio::test]
async fn a_tower_service_that_fails_is_described() {
    let sink = SpanSink::new();
    let layer =
        tracing_axum_layer::TracingLayer::builder().tracer_provider(&sink.provider()).build();
    let service = service_fn(async |_: Request<Body>| {
        Err::<Response<Body>, BoxError>(OrderError::default().into())
    });

    let request = Request::get("/").body(Body::empty()).unwrap();
    layer.layer(service).oneshot(request).await.map(drop).unwrap_err();

    assert_reason(&sink.only().await, "service_error", "the order failed: no stock");
}

#[tokio::test]
async fn a_body_of_a_tower_client_that_fails_is_described() {
    let sink = SpanSink::new();
    let layer = ClientLayer::builder().tracer_provider(&sink.provider()).build();
    let service = service_fn(async |_: Request<Body>| {
        let chunks = [Ok(Bytes::from("one")), Err(OrderError::default())];
        Ok::<_, Infallible>(Response::new(Body::from_stream(stream::iter(chunks))))
    });

    let request = Request::get("http://shop.example/").body(Body::empty()).unwrap();
    let response = layer.layer(service).oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap_err();

    assert_reason(&sink.only().await, "body_error", "the order failed");
}

#[actix_web::test]
async fn a_failed_call_of_awc_is_described() {
    let sink = SpanSink::new();
    let tracing = ClientTracing::builder().tracer_provider(&sink.provider()).build();
    let client = awc::Client::builder().wrap(tracing).finish();

    client.get(refused().await).send().await.unwrap_err();

    assert_reason(&sink.only().await, "connection_error", "Connection refused");
}

#[actix_web::test]
async fn the_time_limit_of_awc_is_a_timeout() {
    for limit in [None, Some(Duration::from_millis(100))] {
        let sink = SpanSink::new();
        let tracing = ClientTracing::builder().tracer_provider(&sink.provider()).build();
        let client = match limit {
            // Five seconds in awc, and here.
            None => awc::Client::builder().wrap(tracing).finish(),
            Some(limit) => {
                let tracing = tracing.client_timeout(Some(limit));
                awc::Client::builder().timeout(limit).wrap(tracing).finish()
            }
        };
        let raw_server = RawServer::serve([("", AfterResponse::Wait)]).await;

        client.get(raw_server.url("/")).send().await.unwrap_err();

        assert_reason(&sink.only().await, "timeout", "time limit");
    }
}

#[tokio::test]
async fn a_call_that_its_caller_drops_is_an_error_only_if_that_is_set() {
    for (are_errors, expected) in [(false, None), (true, Some("cancelled_before_head"))] {
        let sink = SpanSink::new();
        let builder = Client::builder().tracer_provider(&sink.provider());
        let client = builder.dropped_calls_are_errors(are_errors).build();
        let (server, _server_sink) = recorded::<Axum>().await;

        let call = client.get(server.url("/pending")).send();
        tokio::time::timeout(Duration::from_millis(50), call).await.unwrap_err();
        drop(client.get(server.url("/items/7")).send().await.unwrap());

        let spans = sink.wait_for(2).await;
        assert_eq!(spans[0].text("error.type"), expected);
        assert_eq!(spans[1].text("error.type"), None, "a body that is dropped is no error");
    }
}

/// An error whose response has a side effect.
#[derive(Debug)]
struct Refusal;

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl ResponseError for Refusal {
    fn error_response(&self) -> HttpResponse {
        use opentelemetry::trace::TraceContextExt;
        opentelemetry::Context::map_current(|cx| {
            let made = opentelemetry::KeyValue::new("test.made", true);
            cx.span().set_attribute(made);
        });
        HttpResponse::ServiceUnavailable().finish()
    }
}

#[actix_web::test]
async fn an_error_of_actix_middleware_becomes_a_response_once_and_within_the_span() {
    use actix_web::middleware::from_fn;
    use tracing_core_ext::exchange::ResponseHeader;

    let sink = SpanSink::new();
    let tracing = Tracing::builder()
        .tracer_provider(&sink.provider())
        .response_header(ResponseHeader::TraceResponse)
        .build();
    let refuse = from_fn(async |_, _: actix_web::middleware::Next<actix_web::body::BoxBody>| {
        Err::<actix_web::dev::ServiceResponse, _>(Refusal.into())
    });
    let app = App::new().route("/", web::get().to(HttpResponse::Ok)).wrap(refuse).wrap(tracing);
    let app = test::init_service(app).await;

    let request = test::TestRequest::get().uri("/").to_request();
    let error = test::try_call_service(&app, request).await.map(drop).unwrap_err();
    let response = error.error_response();

    assert_eq!(response.status().as_u16(), 503);
    let span = sink.only().await;
    let traceresponse = response.headers().get("traceresponse").unwrap().to_str().unwrap();
    assert!(traceresponse.contains(&span.span_context.span_id().to_string()), "{traceresponse}");
    assert!(span.attribute("test.made").is_some(), "{span:#?}");
    assert_reason(&span, "503", "refused");
}
