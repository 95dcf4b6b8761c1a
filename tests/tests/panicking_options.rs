//! An option that panics neither fails the request nor the process, on both frameworks and with all clients.

use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy, rt::TokioExecutor};
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};
use tests::{
    AfterResponse, Axum, EndedSpanExt, Ending, Framework, RawServer, Setup, SpanSink, assert_error,
    on_both_frameworks_either_way, recorded, recorded_with,
};
use tower::{Layer, ServiceExt};
use tracing_actix_middleware::client::ClientTracing;
use tracing_core_ext::{
    client::{Client, ClientLayer},
    exchange::{Builder, TrustPolicy, contained_panic_count},
};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

on_both_frameworks_either_way![
    a_request_is_served_and_recorded_whatever_option_panics,
    an_error_type_that_panics_does_not_abort_the_process_when_a_handler_panics,
    an_error_type_that_panics_does_not_abort_the_process_when_a_caller_is_gone,
    a_caller_whose_trust_cannot_be_decided_is_only_linked_to,
    a_propagator_that_panics_starts_a_trace,
];

async fn a_request_is_served_and_recorded_whatever_option_panics<F: Framework>() {
    let options: [tests::Options; 6] = [
        |builder| builder.filter(|_| panic!("scripted")),
        |builder| builder.span_name(|_| panic!("scripted")),
        |builder| builder.request_attributes(|_| -> Option<KeyValue> { panic!("scripted") }),
        |builder| builder.response_attributes(|_| -> Option<KeyValue> { panic!("scripted") }),
        |builder| builder.error_type(|_| panic!("scripted")),
        |builder| builder.trust_fn(|_| panic!("scripted")),
    ];
    for options in options {
        let (server, sink) = recorded_with::<F>(options).await;
        let before = contained_panic_count();

        let response = reqwest::get(server.url("/status/503")).await.unwrap();

        assert_eq!(response.text().await.unwrap(), "ok");
        let span = sink.only().await;
        assert_eq!(span.name, "GET /status/{code}");
        assert_error(&span, "503");
        assert!(contained_panic_count() > before);
    }
}

async fn an_error_type_that_panics_does_not_abort_the_process_when_a_handler_panics<
    F: Framework,
>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder.error_type(|summary| Some(summary.status().unwrap().to_string().into()))
    })
    .await;

    reqwest::get(server.url("/panic")).await.unwrap_err();
    reqwest::get(server.url("/items/7")).await.unwrap();

    let spans = sink.wait_for(2).await;
    assert_eq!(spans[0].text("error.type"), Some("panic"));
    assert_eq!(spans[1].text("error.type"), Some("200 OK"));
}

async fn an_error_type_that_panics_does_not_abort_the_process_when_a_caller_is_gone<
    F: Framework,
>() {
    let sink = SpanSink::new();
    let options: tests::Options = |builder| builder.error_type(|_| panic!("scripted"));
    let setup = Setup { options: Some(options), ..Setup::new(&sink) };
    let (control, server) = (setup.control.clone(), F::serve(setup).await);

    Ending::GoneBeforeHead.play(&server, &control).await;

    assert_error(&sink.only().await, "cancelled_before_head");
}

async fn a_caller_whose_trust_cannot_be_decided_is_only_linked_to<F: Framework>() {
    let (server, sink) =
        recorded_with::<F>(|builder| builder.trust_fn(|_| -> TrustPolicy { panic!("scripted") }))
            .await;

    let request = reqwest::Client::new().get(server.url("/items/7"));
    request.header("traceparent", TRACEPARENT).send().await.unwrap();

    let span = sink.only().await;
    assert_ne!(span.span_context.trace_id().to_string(), TRACEPARENT[3..35]);
    assert_eq!(span.links[0].span_context.span_id().to_string(), TRACEPARENT[36..52]);
}

async fn a_propagator_that_panics_starts_a_trace<F: Framework>() {
    let sink = SpanSink::new();
    let setup = Setup { propagator: Some(Panicking.into()), ..Setup::new(&sink) };
    let server = F::serve(setup).await;

    let request = reqwest::Client::new().get(server.url("/items/7"));
    let response = request.header("traceparent", TRACEPARENT).send().await.unwrap();

    assert_eq!(response.text().await.unwrap(), "item 7");
    let span = sink.only().await;
    assert_ne!(span.span_context.trace_id().to_string(), TRACEPARENT[3..35]);
}

#[derive(Debug)]
struct Panicking;

impl TextMapPropagator for Panicking {
    fn inject_context(&self, _: &Context, _: &mut dyn Injector) {
        panic!("scripted");
    }

    fn extract_with_context(&self, _: &Context, _: &dyn Extractor) -> Context {
        panic!("scripted");
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

fn panicking<T>(builder: Builder<T>, sink: &SpanSink) -> T
where
    T: From<tracing_core_ext::exchange::Instrumentation>,
{
    builder
        .tracer_provider(&sink.provider())
        .filter(|_| panic!("scripted"))
        .span_name(|_| panic!("scripted"))
        .error_type(|_| panic!("scripted"))
        .build()
}

/// A URL that refuses connections.
async fn refused() -> String {
    RawServer::serve([("", AfterResponse::Close); 0]).await.url("/")
}

#[tokio::test]
async fn a_failed_call_returns_its_error_whatever_option_panics() {
    let sink = SpanSink::new();
    let client = panicking(Client::builder(), &sink);

    let error = client.get(refused().await).send().await.unwrap_err();

    assert!(error.is_connect(), "{error}");
    assert_eq!(sink.only().await.text("error.type"), Some("connection_error"));
}

#[tokio::test]
async fn a_call_is_sent_whose_propagator_panics() {
    let sink = SpanSink::new();
    let builder = Client::builder().tracer_provider(&sink.provider()).propagator(Panicking);
    let (server, _server_sink) = recorded::<Axum>().await;

    let response = builder.build().get(server.url("/items/7")).send().await.unwrap();

    assert_eq!(response.text().await.unwrap(), "item 7");
    assert_eq!(sink.only().await.integer("http.response.status_code"), Some(200));
}

#[tokio::test]
async fn a_failed_call_of_a_tower_client_returns_its_error_whatever_option_panics() {
    let sink = SpanSink::new();
    let client = legacy::Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let client = panicking(ClientLayer::builder(), &sink).layer(client);
    let request = http::Request::get(refused().await).body(Empty::new()).unwrap();

    let error = client.oneshot(request).await.map(|it| it.map(|body| body.boxed())).unwrap_err();

    assert!(error.is_connect(), "{error}");
    assert_eq!(sink.only().await.text("error.type"), Some("request_error"));
}

#[actix_web::test]
async fn a_failed_call_of_awc_returns_its_error_whatever_option_panics() {
    let sink = SpanSink::new();
    let tracing = panicking(ClientTracing::builder(), &sink);
    let client = awc::Client::builder().wrap(tracing).finish();

    client.get(refused().await).send().await.unwrap_err();

    assert_eq!(sink.only().await.text("error.type"), Some("connection_error"));
}

/// The process would abort if a panic left a destructor while another one unwinds.
#[tokio::test]
async fn a_caller_that_panics_while_it_waits_does_not_abort_the_process() {
    let sink = SpanSink::new();
    let client = panicking(Client::builder(), &sink);
    let (server, _server_sink) = recorded::<Axum>().await;
    let url = server.url("/pending");

    let caller = tokio::spawn(async move {
        let call = client.get(url).send();
        tokio::time::timeout(Duration::from_millis(50), call).await.expect("scripted").unwrap();
    });

    assert!(caller.await.unwrap_err().is_panic());
    assert_eq!(sink.only().await.attribute("error.type"), None);
}
