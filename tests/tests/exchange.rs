//! Outcomes of an exchange, on both frameworks.

use opentelemetry::trace::SpanKind;
use tests::{
    EndedSpanExt, Ending, Framework, RawClient, ScriptStep, Setup, SpanSink, assert_error,
    assert_no_error, on_both_frameworks_either_way, recorded, span_of_broken_body,
};

on_both_frameworks_either_way![
    a_complete_response_ends_the_span_once,
    an_empty_response_ends_the_span_with_its_head,
    a_head_request_ends_the_span_with_the_head,
    a_server_error_is_an_error,
    a_client_error_is_none,
    a_panic_in_the_handler_is_marked,
    a_failing_body_is_an_error,
    a_panic_in_the_body_is_marked,
    a_caller_gone_mid_body_cancels_the_exchange,
    a_caller_gone_before_the_head_cancels_the_exchange,
    a_streamed_body_ends_the_span_with_its_last_chunk,
];

async fn a_complete_response_ends_the_span_once<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let body = reqwest::get(server.url("/items/7")).await.unwrap().text().await.unwrap();

    let span = sink.only().await;
    assert_eq!(body, "item 7");
    assert_eq!(span.name, "GET /items/{id}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_no_error(&span);
}

async fn an_empty_response_ends_the_span_with_its_head<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    reqwest::get(server.url("/empty")).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.integer("http.response.status_code"), Some(204));
    assert_no_error(&span);
}

async fn a_head_request_ends_the_span_with_the_head<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    reqwest::Client::new().head(server.url("/items/7")).send().await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.name, "HEAD /items/{id}");
    assert_no_error(&span);
}

async fn a_server_error_is_an_error<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    reqwest::get(server.url("/status/503")).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.integer("http.response.status_code"), Some(503));
    assert_error(&span, "503");
}

async fn a_client_error_is_none<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    reqwest::get(server.url("/status/404")).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.integer("http.response.status_code"), Some(404));
    assert_no_error(&span);
}

async fn a_panic_in_the_handler_is_marked<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    reqwest::get(server.url("/panic")).await.unwrap_err();

    let span = sink.only().await;
    assert_eq!(span.attribute("http.response.status_code"), None);
    assert_error(&span, "panic");
}

async fn a_failing_body_is_an_error<F: Framework>() {
    let span = span_of_broken_body::<F>(ScriptStep::Error).await;

    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_error(&span, "body_error");
}

async fn a_panic_in_the_body_is_marked<F: Framework>() {
    assert_error(&span_of_broken_body::<F>(ScriptStep::Panic).await, "panic");
}

async fn a_caller_gone_mid_body_cancels_the_exchange<F: Framework>() {
    let sink = SpanSink::new();
    let setup = Setup::new(&sink);
    let control = setup.control.clone();
    let server = F::serve(setup).await;

    Ending::GoneMidBody.play(&server, &control).await;

    let span = sink.only().await;
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_error(&span, "cancelled_mid_body");
    assert_eq!(control.spans_of_destructors(), [span.span_context.span_id()]);
}

async fn a_caller_gone_before_the_head_cancels_the_exchange<F: Framework>() {
    let sink = SpanSink::new();
    let setup = Setup::new(&sink);
    let control = setup.control.clone();
    let server = F::serve(setup).await;

    Ending::GoneBeforeHead.play(&server, &control).await;

    let span = sink.only().await;
    assert_eq!(span.attribute("http.response.status_code"), None);
    assert_error(&span, "cancelled_before_head");
    assert_eq!(control.spans_of_destructors(), [span.span_context.span_id()]);
}

async fn a_streamed_body_ends_the_span_with_its_last_chunk<F: Framework>() {
    let sink = SpanSink::new();
    let setup = Setup::new(&sink);
    let script = setup.control.script();
    let server = F::serve(setup).await;

    let mut peer = RawClient::connect(&server).await.unwrap();
    peer.get("/stream", &[]).await.unwrap();
    script.send(ScriptStep::Data("one")).unwrap();
    peer.read_until("one").await.unwrap();
    assert!(sink.spans().is_empty(), "the span ended before its body");
    drop(script);
    peer.read_until("0\r\n\r\n").await.unwrap();

    assert_no_error(&sink.only().await);
}
