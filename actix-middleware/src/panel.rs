use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self, Payload, ServiceConfig},
};
use http::{Request, Uri, header::CONTENT_LENGTH};
use tracing_core_ext::panel::{Pages, Panel};

/// Maximum length of the body of an import, in bytes.
const MOST_BODY_BYTES: usize = 32 << 20;

/// Returns the pages of `panel`, for the configuration of a scope. Every path below the scope is a
/// page.
///
/// Middleware of the application wraps them as well. To exclude pages from tracing, move
/// [`Tracing`](crate::Tracing) to the scope of the other routes, or use a filter.
///
/// ```
/// use tracing_actix_middleware::Tracing;
/// use actix_web::{App, web};
/// use tracing_core_ext::{panel::Panel, telemetry::Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let panel = Panel::mounted();
/// let (telemetry, _subscriber) =
///     Telemetry::builder().service_name("checkout").panel(panel.clone()).build()?;
///
/// let app = App::new()
///     .service(web::scope("/panel").configure(tracing_actix_middleware::panel(&panel)))
///     .service(web::scope("/shop").wrap(Tracing::new()));
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
pub fn panel(panel: &Panel) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let pages = Pages::new(panel);
    move |config| {
        for path in ["", "/{page:.*}"] {
            let pages = pages.clone();
            let answer = move |request: HttpRequest, body: Payload| {
                let pages = pages.clone();
                async move { respond(&pages, &request, body).await }
            };
            config.route(path, web::route().to(answer));
        }
    }
}

async fn respond(pages: &Pages, request: &HttpRequest, body: Payload) -> HttpResponse {
    let Ok(body) = body.to_bytes_limited(MOST_BODY_BYTES).await else {
        return HttpResponse::PayloadTooLarge().finish();
    };
    let Ok(body) = body else { return HttpResponse::BadRequest().finish() };
    let mut head =
        Request::builder().method(request.method().as_str()).uri(request.uri().to_string());
    for (name, value) in request.headers() {
        head = head.header(name.as_str(), value.as_bytes());
    }
    let (Ok(path), Ok(request)) = (page(request), head.body(body)) else {
        return HttpResponse::BadRequest().finish();
    };
    let (head, body) = pages.respond(path, request).await.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    for (name, value) in head.headers.iter().filter(|(name, _)| **name != CONTENT_LENGTH) {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    response.streaming(body.into_data_stream())
}

/// Returns path and query below the scope. The router has decoded the matched path, so only its
/// number of segments is used.
fn page(request: &HttpRequest) -> Result<Uri, http::uri::InvalidUri> {
    let matched = request.match_info().get("page");
    let segments = matched.map(|page| page.matches('/').count());
    let path = request.path();
    let start = segments.and_then(|segments| path.rmatch_indices('/').nth(segments));
    let path = start.map_or("/", |(start, _)| &path[start..]);
    match request.query_string() {
        "" => path.parse(),
        query => format!("{path}?{query}").parse(),
    }
}
