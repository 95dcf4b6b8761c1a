use axum::{Router, body::Body, extract::Request, routing::any};
use http::Response;
use tracing_core_ext::prometheus::Endpoint;

/// The routes of `endpoint`, to be merged into a router or nested in one.
///
/// What is added to a router behind a layer is outside of it: merged last, scrapes are no traces.
///
/// ```
/// use axum::{Router, routing::get};
/// use axum_layer::TracingLayer;
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
///     .layer(TracingLayer::new())
///     .merge(axum_layer::metrics(endpoint));
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
pub fn metrics<S>(endpoint: &Endpoint) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Endpoint::PATHS.into_iter().fold(Router::new(), |router, path| {
        let endpoint = endpoint.clone();
        router.route(path, any(async move |request: Request| respond(&endpoint, path, &request)))
    })
}

fn respond(endpoint: &Endpoint, path: &str, request: &Request) -> Response<Body> {
    endpoint.respond(request.method().as_str(), path, request.headers()).map(Body::from)
}
