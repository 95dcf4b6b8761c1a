//! Exemplars refer only to traces that are kept, and the spans that waited are counted. Telemetry is installed once in a
//! process, so this is one test.

use actix_web::{App, HttpResponse, test, web};
use axum::{Router, body::Body, http::Request, http::StatusCode, routing::get};
use tests::{EndedSpanExt, SpanSink, scrape};
use tower::ServiceExt;
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::{
    prometheus::Prometheus,
    trace::{Retention, Sampler},
};

#[actix_web::test]
async fn exemplars_refer_to_kept_traces_and_waiting_spans_are_counted() {
    let sink = SpanSink::new();
    let head = Sampler::parent_based(Sampler::always_off());
    let telemetry = tests::telemetry(&sink)
        .sampler(Sampler::retain(head, Retention::new()).unwrap())
        .prometheus(Prometheus::mounted())
        .install()
        .unwrap();
    let endpoint = telemetry.metrics_endpoint().unwrap();

    for path in ["/works", "/fails", "/works"] {
        ask_axum(path).await;
        ask_actix(path).await;
    }

    let text = scrape(endpoint).await;
    telemetry.shutdown().unwrap();
    let spans = sink.spans();
    assert_eq!(spans.len(), 2, "{spans:#?}");
    let exemplars = || text.lines().filter(|line| line.contains(" # {trace_id="));
    for span in &spans {
        assert_eq!(span.text("http.route"), Some("/fails"));
        let trace_id = span.span_context.trace_id().to_string();
        assert!(exemplars().any(|line| line.contains(&trace_id)), "{text}");
    }
    assert_eq!(exemplars().count(), 2, "{text}");
    assert!(exemplars().all(|line| line.contains("http_route=\"/fails\"")), "{text}");
    for (outcome, count) in [("kept", 2), ("discarded", 4)] {
        let is_count = |line: &str| {
            line.starts_with("tracing_core_ext_held_spans_total{")
                && line.contains(&format!("tracing_core_ext_outcome=\"{outcome}\""))
                && line.ends_with(&format!("}} {count}"))
        };
        assert!(text.lines().any(is_count), "{outcome}: {text}");
    }
}

async fn ask_axum(path: &str) {
    let app = Router::new()
        .route("/works", get(async || ()))
        .route("/fails", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .layer(TracingLayer::new());
    app.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
}

async fn ask_actix(path: &str) {
    let app = App::new()
        .route("/works", web::get().to(HttpResponse::Ok))
        .route("/fails", web::get().to(HttpResponse::InternalServerError))
        .wrap(Tracing::new());
    let app = test::init_service(app).await;
    test::call_and_read_body(&app, test::TestRequest::get().uri(path).to_request()).await;
}
