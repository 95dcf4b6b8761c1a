//! A request without a span still propagates the context of its caller.

use ::axum::{Router, body::Body, http::Request, routing::get as axum_get};
use actix_web::{App, HttpResponse, test, web};
use tests::{EndedSpanExt, Framework, Setup, SpanSink, on_both_frameworks, recorded};
use tower::ServiceExt;
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::{RequestSpan, TracingLayer};
use tracing_core_ext::exchange::{Builder, Instrumentation};

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

fn filtering<T: From<Instrumentation>>(
    builder: Builder<T>,
    sink: &SpanSink,
    path: &'static str,
) -> T {
    builder.tracer_provider(&sink.provider()).filter(move |it| it.path() != path).build()
}

#[tokio::test]
async fn a_layer_of_axum_inside_of_one_that_has_filtered_creates_the_span() {
    let sink = SpanSink::new();
    let layer = |path| filtering(TracingLayer::builder(), &sink, path);
    let router = Router::new().route("/admin/{id}", axum_get(async |_: RequestSpan| ()));
    let app = router.layer(layer("/none")).layer(layer("/none")).layer(layer("/admin/7"));

    for path in ["/admin/7", "/admin/8"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        drop(app.clone().oneshot(request).await.unwrap());
    }

    let spans = sink.wait_for(2).await;
    assert!(spans.iter().all(|span| span.name == "GET /admin/{id}"), "{spans:#?}");
}

#[actix_web::test]
async fn a_middleware_of_actix_inside_of_one_that_has_filtered_creates_the_span() {
    let sink = SpanSink::new();
    let tracing = |path| filtering(Tracing::builder(), &sink, path);
    let app = App::new().route("/admin/{id}", web::get().to(HttpResponse::Ok));
    let app = app.wrap(tracing("/none")).wrap(tracing("/none")).wrap(tracing("/admin/7"));
    let app = test::init_service(app).await;

    for path in ["/admin/7", "/admin/8"] {
        let request = test::TestRequest::get().uri(path).to_request();
        drop(test::call_service(&app, request).await);
    }

    let spans = sink.wait_for(2).await;
    assert!(spans.iter().all(|span| span.name == "GET /admin/{id}"), "{spans:#?}");
}
