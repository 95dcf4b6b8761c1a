use axum::{Router, body::Body, extract::Request, routing::any};
use http::Response;
use tracing_core_ext::prometheus::Endpoint;

/// Returns `router` with the routes of `endpoint`.
///
/// Existing layers of `router` do not wrap these routes, so scrapes have no spans. The fallback of
/// `router` stays unchanged, with all layers. `Router::merge` would replace a default fallback by
/// one without layers: after a merge of two routers, requests without a matching route would have
/// no span.
///
/// ```
/// use axum::{Router, routing::get};
/// use tracing_axum_layer::TracingLayer;
/// use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (telemetry, _subscriber) = Telemetry::builder()
///     .service_name("checkout")
///     .prometheus(Prometheus::mounted())
///     .build()?;
/// let endpoint = telemetry.metrics_endpoint().expect("Prometheus was asked for");
///
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }))
///     .layer(TracingLayer::new());
/// let app = tracing_axum_layer::with_metrics(app, endpoint);
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
///
/// Below a path: `app.nest("/internal", tracing_axum_layer::with_metrics(Router::new(), endpoint))`.
pub fn with_metrics<S>(router: Router<S>, endpoint: &Endpoint) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Endpoint::PATHS.into_iter().fold(router, |router, path| {
        let endpoint = endpoint.clone();
        router
            .route(path, any(async move |request: Request| respond(&endpoint, path, request).await))
    })
}

async fn respond(endpoint: &Endpoint, path: &str, request: Request) -> Response<Body> {
    let (head, _) = request.into_parts();
    let response = endpoint.respond_async(head.method.as_str(), path, &head.headers);
    response.await.map(Body::from)
}
