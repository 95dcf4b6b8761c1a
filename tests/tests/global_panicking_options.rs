//! Panics of options are logged once and counted. Telemetry is installed once in a process, so this is one test.

use axum::{Router, body::Body, http::Request, routing::get};
use tests::{Lines, SpanSink, scrape};
use tower::ServiceExt;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::prometheus::Prometheus;

#[tokio::test]
async fn panics_of_an_option_are_logged_once_and_counted() {
    let lines = Lines::default();
    let telemetry = tests::telemetry(&SpanSink::new())
        .prometheus(Prometheus::mounted())
        .log_writer(lines.clone())
        .install()
        .unwrap();
    let layer = TracingLayer::builder().span_name(|_| panic!("scripted")).build();
    let app: Router = Router::new().route("/", get(|| async {})).layer(layer);

    for _ in 0..3 {
        let request = Request::get("/").body(Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), 200);
    }

    let warning = "the option span_name panicked and is ignored for this call: scripted";
    let count = lines.all().iter().filter(|line| line.contains(warning)).count();
    assert_eq!(count, 1, "{:?}", lines.all());
    let text = scrape(telemetry.metrics_endpoint().unwrap()).await;
    let sample = |line: &&str| line.starts_with("tracing_core_ext_contained_panics_total{");
    let sample = text.lines().find(sample).unwrap_or_else(|| panic!("{text}"));
    assert!(sample.contains("tracing_core_ext_callback=\"the option span_name\""), "{sample}");
    assert!(sample.ends_with(" 3"), "{sample}");
}
