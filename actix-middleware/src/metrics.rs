use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode},
    web::{self, Bytes, ServiceConfig},
};
use http::{Response, header::CONTENT_LENGTH};
use tracing_core_ext::prometheus::Endpoint;

use crate::headers::ActixHeaders;

/// Returns the routes of `endpoint`, for the configuration of an application or a scope.
///
/// Middleware of the application wraps them as well. Use a filter to exclude scrapes from tracing.
/// Do not move [`Tracing`](crate::Tracing) to a scope of the other routes instead: requests without
/// a matching route would have no span.
///
/// ```
/// use tracing_actix_middleware::Tracing;
/// use actix_web::{App, web};
/// use tracing_core_ext::{
///     prometheus::{Endpoint, Prometheus},
///     telemetry::Telemetry,
/// };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (telemetry, _subscriber) = Telemetry::builder()
///     .service_name("checkout")
///     .prometheus(Prometheus::mounted())
///     .build()?;
/// let endpoint = telemetry.metrics_endpoint().expect("Prometheus was asked for");
///
/// let is_no_scrape = |path: &str| !Endpoint::PATHS.contains(&path);
/// let app = App::new()
///     .configure(tracing_actix_middleware::metrics(endpoint))
///     .route("/", web::get().to(async || "hello"))
///     .wrap(Tracing::builder().filter(move |request| is_no_scrape(request.path())).build());
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
pub fn metrics(endpoint: &Endpoint) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let endpoint = endpoint.clone();
    move |config| {
        for path in Endpoint::PATHS {
            let endpoint = endpoint.clone();
            let handler = move |request: HttpRequest| respond(&endpoint, path, &request);
            config.route(path, web::route().to(handler));
        }
    }
}

/// actix-web itself omits the body of a response to `HEAD`, and sends its length.
fn respond(
    endpoint: &Endpoint,
    path: &str,
    request: &HttpRequest,
) -> impl Future<Output = HttpResponse> + use<> {
    let method = match request.method() {
        &Method::HEAD => Method::GET.as_str(),
        method => method.as_str(),
    };
    let response = endpoint.respond_async(method, path, &ActixHeaders(request.headers()));
    async { converted(response.await) }
}

fn converted(response: Response<Bytes>) -> HttpResponse {
    let (head, body) = response.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    for (name, value) in head.headers.iter().filter(|(name, _)| **name != CONTENT_LENGTH) {
        response.insert_header((name.as_str(), value.as_bytes()));
    }
    response.body(body)
}
