use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode},
    web::{self, ServiceConfig},
};
use http::header::CONTENT_LENGTH;
use tracing_core_ext::prometheus::Endpoint;

use crate::headers::ActixHeaders;

/// The routes of `endpoint`, to configure an application or a scope with.
///
/// Middleware of the application wraps them as well: give [`Tracing`](crate::Tracing) to the scope of the other routes,
/// or filter these out, and scrapes are no traces.
///
/// ```
/// use actix_middleware::Tracing;
/// use actix_web::{App, web};
/// use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (telemetry, _subscriber) = Telemetry::builder()
///     .service_name("checkout")
///     .prometheus(Prometheus::mounted())
///     .build()?;
/// let endpoint = telemetry.metrics_endpoint().expect("Prometheus was asked for");
///
/// let app = App::new()
///     .configure(actix_middleware::metrics(endpoint))
///     .service(web::scope("/shop").wrap(Tracing::new()));
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
pub fn metrics(endpoint: &Endpoint) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let endpoint = endpoint.clone();
    move |config| {
        for path in Endpoint::PATHS {
            let endpoint = endpoint.clone();
            let answer = move |request: HttpRequest| {
                let response = respond(&endpoint, path, &request);
                async move { response }
            };
            config.route(path, web::route().to(answer));
        }
    }
}

/// actix-web itself leaves the body of the answer to a `HEAD` out, and tells its length.
fn respond(endpoint: &Endpoint, path: &str, request: &HttpRequest) -> HttpResponse {
    let method = match request.method() {
        &Method::HEAD => Method::GET.as_str(),
        method => method.as_str(),
    };
    let (head, body) =
        endpoint.respond(method, path, &ActixHeaders(request.headers())).into_parts();
    let status = StatusCode::from_u16(head.status.as_u16());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    for (name, value) in head.headers.iter().filter(|(name, _)| **name != CONTENT_LENGTH) {
        response.insert_header((name.as_str(), value.as_bytes()));
    }
    response.body(body)
}
