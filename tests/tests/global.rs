//! Middlewares and clients without options use the global providers. They can be set once in a
//! process, so this is one test.

use actix_web::{App, HttpResponse, test, web};
use axum::{Router, body::Body, http::Request, routing::get};
use opentelemetry::{global, trace::SpanKind};
use tests::{Axum, CustomPropagator, Framework, Setup, SpanSink};
use tower::ServiceExt;
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::client::Client;

#[actix_web::test]
async fn middlewares_and_clients_without_options_use_the_global_providers() {
    let sink = SpanSink::new();
    let server = Axum::serve(Setup::new(&SpanSink::new())).await;
    global::set_tracer_provider(sink.provider());

    let axum = Router::new().route("/a", get(async || ())).layer(TracingLayer::new());
    let actix = App::new().route("/b", web::get().to(HttpResponse::Ok)).wrap(Tracing::new());
    axum.oneshot(Request::get("/a").body(Body::empty()).unwrap()).await.unwrap();
    let actix = test::init_service(actix).await;
    test::call_service(&actix, test::TestRequest::get().uri("/b").to_request()).await;
    let sent =
        Client::new().get(server.url("/headers")).send().await.unwrap().text().await.unwrap();

    let spans = sink.wait_for(3).await;
    let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(names, ["GET /a", "GET /b", "GET"]);
    assert_eq!(spans[2].span_kind, SpanKind::Client);
    assert!(sent.contains("traceparent: 00-"), "W3C where no propagator is installed: {sent}");

    global::set_text_map_propagator(CustomPropagator);
    let sent =
        Client::new().get(server.url("/headers")).send().await.unwrap().text().await.unwrap();
    assert!(!sent.contains("traceparent"), "the installed propagator and no other: {sent}");
}
