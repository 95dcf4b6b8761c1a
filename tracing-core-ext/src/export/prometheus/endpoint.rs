use std::{
    any::Any,
    fmt,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, Response, StatusCode, header};
use opentelemetry_sdk::Resource;
use prometheus::TextEncoder;
use serde_json::json;

use super::{
    content_negotiation::{Format, accepts_gzip},
    openmetrics,
    registry::Registry,
};
use crate::metrics::exemplars::Exemplars;
use crate::propagation::Headers;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// Answers scrapes, on whatever server. Clones are of the same endpoint.
///
/// | path | answer |
/// | --- | --- |
/// | `/metrics`, `/metrics/` | all metrics: as OpenMetrics 1.0 where `Accept` prefers that, else as text 0.0.4 |
/// | `/health` | 200 while the service takes requests, 503 once it [drains](Self::drain) or is shut down |
/// | `/info` | service, version, environment, exporters, uptime and version of the SDK, as JSON |
///
/// `HEAD` is answered as `GET` without the body, any other method by 405, another path by 404. Metrics are compressed only
/// where `Accept-Encoding` asks for gzip. Once telemetry is shut down the answer is 503 with a line that says so.
///
/// ```
/// use http::HeaderMap;
/// use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (telemetry, _subscriber) = Telemetry::builder()
///     .service_name("checkout")
///     .prometheus(Prometheus::mounted())
///     .build()?;
/// let endpoint = telemetry.metrics_endpoint().expect("Prometheus was asked for").clone();
///
/// let response = endpoint.respond("GET", "/metrics", &HeaderMap::new());
/// assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
///
/// telemetry.shutdown()?;
/// let response = endpoint.respond("GET", "/metrics", &HeaderMap::new());
/// assert_eq!(response.status(), 503);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

struct Inner {
    registry: Registry,
    exemplars: Arc<Exemplars>,
    service: Service,
    exporters: Vec<&'static str>,
    started: Instant,
    state: AtomicU8,
}

/// What `/info` tells of the resource.
struct Service {
    name: Option<String>,
    version: Option<String>,
    environment: Option<String>,
    sdk: Option<String>,
}

const SERVING: u8 = 0;
const DRAINING: u8 = 1;
const SHUT_DOWN: u8 = 2;

impl Endpoint {
    /// The paths that are answered, for adapters that register each.
    pub const PATHS: [&'static str; 6] =
        ["/metrics", "/metrics/", "/health", "/health/", "/info", "/info/"];

    pub(crate) fn new(
        registry: Registry,
        exemplars: Arc<Exemplars>,
        resource: &Resource,
        exporters: Vec<&'static str>,
    ) -> Self {
        Self(Arc::new(Inner {
            registry,
            exemplars,
            service: Service::of(resource),
            exporters,
            started: Instant::now(),
            state: AtomicU8::new(SERVING),
        }))
    }

    /// The answer to a request with this method, path (without its query) and header fields.
    pub fn respond(&self, method: &str, path: &str, headers: &impl Headers) -> Response<Bytes> {
        let answer = match method {
            _ if !Self::PATHS.contains(&path) => {
                line(StatusCode::NOT_FOUND, "not found: try /metrics, /health or /info")
            }
            "GET" | "HEAD" => self.answer(path.trim_end_matches('/'), headers),
            _ => not_allowed(),
        };
        match method {
            "HEAD" => answer.map(|_| Bytes::new()),
            _ => answer,
        }
    }

    /// Says of the service, at `/health`, that it takes no more requests, while metrics are still served: to be called
    /// when it begins to stop.
    pub fn drain(&self) {
        self.0.state.fetch_max(DRAINING, Ordering::AcqRel);
    }

    pub(crate) fn shut_down(&self) {
        self.0.state.fetch_max(SHUT_DOWN, Ordering::AcqRel);
    }

    fn answer(&self, path: &str, headers: &impl Headers) -> Response<Bytes> {
        match (path, self.0.state.load(Ordering::Acquire)) {
            ("/info", _) => body(StatusCode::OK, JSON, self.info().into()),
            (_, SHUT_DOWN) => line(StatusCode::SERVICE_UNAVAILABLE, "telemetry is shut down"),
            ("/health", SERVING) => line(StatusCode::OK, "ok"),
            ("/health", _) => line(StatusCode::SERVICE_UNAVAILABLE, "draining"),
            _ => self.metrics(headers),
        }
    }

    /// Collectors are code of others.
    fn metrics(&self, headers: &impl Headers) -> Response<Bytes> {
        let format = Format::accepted(headers);
        let encoded = catch_unwind(AssertUnwindSafe(|| self.encoded(format)));
        let page = match encoded {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => return failed(&error.to_string()),
            Err(panic) => return failed(&format!("a collector panicked: {}", message(&*panic))),
        };
        let (page, is_gzip) = match accepts_gzip(headers).then(|| gzip(&page)) {
            Some(Ok(compressed)) => (compressed, true),
            _ => (page.into_bytes(), false),
        };
        let mut response = body(StatusCode::OK, format.content_type(), page.into());
        let fields = response.headers_mut();
        fields.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
        if is_gzip {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    fn encoded(&self, format: Format) -> prometheus::Result<String> {
        let families = self.0.registry.gather();
        match format {
            Format::Text => TextEncoder::new().encode_to_string(&families),
            Format::OpenMetrics => Ok(openmetrics::encode(&families, &self.0.exemplars)),
        }
    }

    fn info(&self) -> String {
        let Service { name, version, environment, sdk } = &self.0.service;
        let info = json!({
            "service": name,
            "version": version,
            "environment": environment,
            "exporters": self.0.exporters,
            "uptime_seconds": self.0.started.elapsed().as_secs(),
            "sdk": { "name": "opentelemetry", "language": "rust", "version": sdk },
        });
        format!("{info}\n")
    }
}

impl Service {
    fn of(resource: &Resource) -> Self {
        let get = |key: &'static str| resource.get(&key.into()).map(|value| value.to_string());
        Self {
            name: get("service.name"),
            version: get("service.version"),
            environment: get("deployment.environment.name"),
            sdk: get("telemetry.sdk.version"),
        }
    }
}

fn gzip(page: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(page.as_bytes())?;
    encoder.finish()
}

fn not_allowed() -> Response<Bytes> {
    let mut response = line(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are allowed");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn failed(reason: &str) -> Response<Bytes> {
    let text = format!("the metrics could not be gathered: {reason}");
    line(StatusCode::INTERNAL_SERVER_ERROR, &text)
}

fn line(status: StatusCode, text: &str) -> Response<Bytes> {
    body(status, TEXT, format!("{text}\n").into())
}

fn body(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let length = body.len();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    fields.insert(header::CONTENT_LENGTH, length.into());
    response
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
