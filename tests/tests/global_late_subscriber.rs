//! A middleware that is built before there is a subscriber. Warnings are logged once in a process, so this is one test.

use axum::{Router, body::Body, http::Request, routing::get};
use tests::Lines;
use tower::ServiceExt;
use tracing_axum_layer::TracingLayer;
use tracing_subscriber::{fmt, layer::SubscriberExt, util::SubscriberInitExt};

#[tokio::test]
async fn without_a_subscriber_at_first_the_warning_is_logged_with_a_request() {
    let lines = Lines::default();
    let app = Router::new().route("/", get(async || "ok")).layer(TracingLayer::new());
    let layer = fmt::layer().with_ansi(false).with_writer(lines.clone());
    tracing_subscriber::registry().with(layer).init();
    assert_eq!(lines.all(), [""; 0]);

    for _ in 0..2 {
        let request = Request::get("/").body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap();
    }
    let lines = lines.all();
    assert!(matches!(&lines[..], [line] if line.contains("has no tracer provider")), "{lines:?}");
}
