//! Problem details with the IDs of the request, made by handlers and by middleware.

use serde_json::{Value, json};
use tests::{
    Framework, Options, Setup, SpanSink, on_both_frameworks_either_way, recorded, recorded_with,
};
use tracing_core_ext::exchange::RequestIdPolicy;

on_both_frameworks_either_way![
    a_problem_of_a_handler_has_the_ids,
    a_problem_of_inner_middleware_has_the_ids,
    without_request_ids_it_has_the_trace_only,
    a_filtered_request_has_the_trace_of_its_caller,
];

const OPTIONS: Options = |builder| builder.request_id(RequestIdPolicy::Accept);

async fn problem(url: String) -> (reqwest::StatusCode, Value) {
    let request = reqwest::Client::new().get(url).header("x-request-id", "order-7");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let response = request.header("traceparent", parent).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let (status, body) = (response.status(), response.text().await.unwrap());
    (status, serde_json::from_str(&body).unwrap())
}

async fn a_problem_of_a_handler_has_the_ids<F: Framework>() {
    let (server, sink) = recorded_with::<F>(OPTIONS).await;
    let (status, body) = problem(server.url("/problem")).await;
    assert_eq!(status, 409);
    let expected = json!({
        "status": 409,
        "type": "https://shop.example/sold-out",
        "title": "Conflict",
        "detail": "the item is \"sold\" out",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "request_id": "order-7",
        "item": "tea",
    });
    assert_eq!(body, expected);
    let trace = sink.only().await.span_context.trace_id();
    assert_eq!(body["trace_id"], trace.to_string());
}

async fn a_problem_of_inner_middleware_has_the_ids<F: Framework>() {
    let (server, sink) = recorded_with::<F>(OPTIONS).await;
    let (status, body) = problem(server.url("/refused")).await;
    assert_eq!((status.as_u16(), &body["status"]), (403, &403.into()));
    assert_eq!(body["trace_id"], sink.only().await.span_context.trace_id().to_string());
    assert_eq!(body["request_id"], "order-7");
}

async fn without_request_ids_it_has_the_trace_only<F: Framework>() {
    let (server, sink) = recorded::<F>().await;
    let (_, body) = problem(server.url("/problem")).await;
    assert_eq!(body["trace_id"], sink.only().await.span_context.trace_id().to_string());
    assert_eq!(body.get("request_id"), None);
}

async fn a_filtered_request_has_the_trace_of_its_caller<F: Framework>() {
    let sink = SpanSink::new();
    let options: Option<Options> = Some(|builder| OPTIONS(builder).filter(|_| false));
    let server = F::serve(Setup { options, ..Setup::new(&sink) }).await;
    let (_, body) = problem(server.url("/problem")).await;
    assert_eq!(body["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(body["request_id"], "order-7");
}
