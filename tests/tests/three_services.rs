//! One request through three services is one trace: axum calls actix-web, which calls axum.

use opentelemetry::trace::{SpanKind, Status};
use tests::{Actix, Axum, EndedSpanExt, Framework, Server, Setup, SpanSink};
use tracing_core_ext::testing::EndedSpan;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Starts gateway, inventory and pricing, with one sink for all of them.
async fn shop(last: &str) -> (Server, [Server; 2], SpanSink) {
    let sink = SpanSink::new();
    let pricing = Axum::serve(Setup::new(&sink)).await;
    let inventory =
        Actix::serve(Setup { forward: Some(pricing.url(last)), ..Setup::new(&sink) }).await;
    let gateway =
        Axum::serve(Setup { forward: Some(inventory.url("/forward")), ..Setup::new(&sink) }).await;
    (gateway, [inventory, pricing], sink)
}

#[tokio::test]
async fn one_request_through_three_services_is_one_trace() {
    let (gateway, [inventory, pricing], sink) = shop("/items/7").await;

    let request = reqwest::Client::new().get(gateway.url("/forward"));
    let body =
        request.header("traceparent", TRACEPARENT).send().await.unwrap().text().await.unwrap();

    assert_eq!(body, "item 7");
    let spans = sink.wait_for(5).await;
    let at_gateway = find(&spans, &SpanKind::Server, &gateway);
    let to_inventory = find(&spans, &SpanKind::Client, &inventory);
    let at_inventory = find(&spans, &SpanKind::Server, &inventory);
    let to_pricing = find(&spans, &SpanKind::Client, &pricing);
    let at_pricing = find(&spans, &SpanKind::Server, &pricing);

    assert_eq!(at_gateway.parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(to_inventory.is_child_of(at_gateway));
    assert!(at_inventory.is_child_of(to_inventory));
    assert!(to_pricing.is_child_of(at_inventory));
    assert!(at_pricing.is_child_of(to_pricing));
    for span in &spans {
        assert_eq!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.status, Status::Unset);
        assert_eq!(span.integer("http.response.status_code"), Some(200));
    }
    let remote = spans.iter().filter(|span| span.parent_span_is_remote).count();
    assert_eq!(remote, 3, "a server's parent is remote, a client's is not");
    assert_eq!(at_gateway.name, "GET /forward");
    assert_eq!(to_inventory.name, "GET");
    assert_eq!(at_inventory.name, "GET /forward");
    assert_eq!(to_pricing.name, "GET");
    assert_eq!(at_pricing.name, "GET /items/{id}");
    assert_eq!(at_gateway.instrumentation_scope.name(), "tracing-axum-layer");
    assert_eq!(to_inventory.instrumentation_scope.name(), "tracing-core-ext::client");
    assert_eq!(at_inventory.instrumentation_scope.name(), "tracing-actix-middleware");
}

#[tokio::test]
async fn an_error_at_the_end_of_the_chain_is_one_in_every_service() {
    let (gateway, _others, sink) = shop("/status/500").await;

    let response = reqwest::get(gateway.url("/forward")).await.unwrap();

    assert_eq!(response.status(), 500);
    response.bytes().await.unwrap();
    for span in sink.wait_for(5).await {
        assert!(matches!(span.status, Status::Error { .. }));
        assert_eq!(span.text("error.type"), Some("500"));
    }
}

fn find<'a>(spans: &'a [EndedSpan], kind: &SpanKind, server: &Server) -> &'a EndedSpan {
    let port = i64::from(server.address().port());
    let of_it =
        |span: &&EndedSpan| span.span_kind == *kind && span.integer("server.port") == Some(port);
    spans.iter().find(of_it).unwrap_or_else(|| panic!("no {kind:?} span of port {port}"))
}
