//! What is absent stays absent where a plain OpenTelemetry layer has captured the span. A process of its own: other tests
//! without a subscriber would let `tracing` forget about this one's.

use axum::{Router, body::Body, http::Request};
use axum_layer::TracingLayer;
use tests::{SpanDataExt, SpanSink, plain_subscriber};
use tower::ServiceExt;

#[tokio::test]
async fn a_captured_tunnel_has_no_path_either() {
    let sink = SpanSink::new();
    let provider = sink.provider();
    let _default = tracing::dispatcher::set_default(&plain_subscriber(&provider));
    let layer = TracingLayer::builder().tracer_provider(&provider).build();
    let app = Router::new().fallback(async || "never sent").layer(layer);

    let request = Request::connect("shop.example:443").body(Body::empty()).unwrap();
    drop(app.oneshot(request).await.unwrap());

    let span = sink.only().await;
    assert_eq!(span.instrumentation_scope.name(), "users", "the span is the layer's");
    assert_eq!(span.text("http.request.method"), Some("CONNECT"));
    assert_eq!(span.attribute("url.path"), None);
}
