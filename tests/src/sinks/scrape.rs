use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use tower::ServiceExt;
use tracing_core_ext::prometheus::Endpoint;

/// Returns the response of `endpoint` to Prometheus, in OpenMetrics.
///
/// # Panics
///
/// If the request fails.
pub async fn scrape(endpoint: &Endpoint) -> String {
    let accept = "application/openmetrics-text; version=1.0.0";
    let request = Request::get("/metrics").header("accept", accept).body(Body::empty());
    let app = tracing_axum_layer::with_metrics(Router::new(), endpoint);
    let response = app.oneshot(request.expect("a request")).await.expect("axum answers");
    assert_eq!(response.status(), 200);
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("the whole body");
    String::from_utf8(body.into()).expect("text")
}
