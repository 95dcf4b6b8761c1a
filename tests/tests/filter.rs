//! A request without a span still hands its caller's context on.

use tests::{Framework, Setup, SpanDataExt, SpanSink, on_both_frameworks, recorded};

on_both_frameworks![a_filtered_request_has_no_span_and_its_context_flows_on];

async fn a_filtered_request_has_no_span_and_its_context_flows_on<F: Framework>() {
    let (next, next_sink) = recorded::<F>().await;
    let sink = SpanSink::new();
    let server = F::serve(Setup {
        forward: Some(next.url("/items/7")),
        options: Some(|builder| builder.filter(|request| request.path() != "/forward")),
        ..Setup::new(&sink)
    })
    .await;

    let request = reqwest::Client::new().get(server.url("/forward"));
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.header("traceparent", caller).send().await.unwrap().bytes().await.unwrap();
    reqwest::get(server.url("/items/7")).await.unwrap();

    let spans = sink.wait_for(2).await;
    let [outbound, served] = &spans[..] else { unreachable!() };
    assert_eq!(outbound.parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(next_sink.only().await.is_child_of(outbound));
    assert_eq!(served.name, "GET /items/{id}");
}
