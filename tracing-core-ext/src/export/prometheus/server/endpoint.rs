use std::{
    fmt,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
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
use tracing::dispatcher;

use super::{
    responses::{body, failed, line, not_allowed},
    scrape_thread::{ScrapeFuture, ScrapeThread, time_limit},
};
use crate::export::prometheus::{
    format::{
        content_negotiation::{Format, accepts_gzip},
        openmetrics,
    },
    registry::Registry,
};
use crate::{
    base::panic_message, export::delivery::StatusSource, metrics::exemplars::Exemplars,
    propagation::Headers,
};

const JSON: &str = "application/json";

/// Responds to scrapes, with any server. A clone is a handle to the same endpoint.
///
/// | path | response |
/// | --- | --- |
/// | `/metrics`, `/metrics/` | all metrics: as OpenMetrics 1.0 if `Accept` prefers it, else as text 0.0.4 |
/// | `/health` | 200 while the service accepts requests, 503 after [`drain`](Self::drain) or shutdown |
/// | `/info` | service, version, environment, exporters, uptime, version of the SDK and [`Status`], as JSON |
///
/// The response to `HEAD` is that to `GET` without the body. The response to any other method is
/// 405, and to another path 404. Metrics are compressed only if `Accept-Encoding` names gzip.
/// After shutdown the response is 503 with a line of explanation.
///
/// [`Status`]: crate::telemetry::Status
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
    source: Arc<Source>,
    thread: ScrapeThread,
    service: Service,
    exporters: Vec<&'static str>,
    started: Instant,
    state: AtomicU8,
    status: OnceLock<Arc<StatusSource>>,
}

/// Registry and state that a scrape reads.
struct Source {
    registry: Registry,
    exemplars: Arc<Exemplars>,
}

/// Values of the resource in `/info`.
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
    /// Paths of the endpoint, for adapters that register each.
    pub const PATHS: [&'static str; 6] =
        ["/metrics", "/metrics/", "/health", "/health/", "/info", "/info/"];

    pub(crate) fn new(
        registry: Registry,
        exemplars: Arc<Exemplars>,
        resource: &Resource,
        exporters: Vec<&'static str>,
    ) -> Self {
        Self(Arc::new(Inner {
            source: Arc::new(Source { registry, exemplars }),
            thread: ScrapeThread::default(),
            service: Service::of(resource),
            exporters,
            started: Instant::now(),
            state: AtomicU8::new(SERVING),
            status: OnceLock::new(),
        }))
    }

    /// Returns the response to a request with this method, path (without its query) and header
    /// fields.
    ///
    /// Collectors and callbacks of instruments run on this thread, and can block it. An
    /// asynchronous server uses [`respond_async`](Self::respond_async).
    pub fn respond(&self, method: &str, path: &str, headers: &impl Headers) -> Response<Bytes> {
        let response = match self.response_without_metrics(method, path) {
            Some(response) => response,
            None => self.0.source.metrics(Encoding::accepted(headers)),
        };
        match method {
            "HEAD" => response.map(|_| Bytes::new()),
            _ => response,
        }
    }

    /// Returns the response to a request with this method, path (without its query) and header
    /// fields, and gathers metrics on another thread.
    ///
    /// If metrics are not gathered in time, the response is 503. The time is a little less than
    /// `X-Prometheus-Scrape-Timeout-Seconds`, up to 25 seconds, or less than 10 seconds without
    /// that header. No runtime is required.
    pub fn respond_async(&self, method: &str, path: &str, headers: &impl Headers) -> ScrapeFuture {
        let response = match self.response_without_metrics(method, path) {
            Some(response) => response.into(),
            None => self.scrape(headers),
        };
        response.for_head(method == "HEAD")
    }

    fn scrape(&self, headers: &impl Headers) -> ScrapeFuture {
        let (encoding, source) = (Encoding::accepted(headers), Arc::clone(&self.0.source));
        let dispatch = dispatcher::get_default(Clone::clone);
        let gather = move || dispatcher::with_default(&dispatch, || source.metrics(encoding));
        self.0.thread.respond(time_limit(headers), gather)
    }

    /// Makes `/health` respond with 503, while metrics are still exposed. A service calls it when
    /// it starts to shut down.
    pub fn drain(&self) {
        self.0.state.fetch_max(DRAINING, Ordering::AcqRel);
    }

    /// Sets the state that `/info` shows.
    pub(crate) fn set_status(&self, status: &Arc<StatusSource>) {
        let _ = self.0.status.set(Arc::clone(status));
    }

    pub(crate) fn shut_down(&self) {
        self.0.state.fetch_max(SHUT_DOWN, Ordering::AcqRel);
    }

    /// Returns the response, or `None` if it consists of metrics.
    fn response_without_metrics(&self, method: &str, path: &str) -> Option<Response<Bytes>> {
        if !Self::PATHS.contains(&path) {
            let text = "not found: try /metrics, /health or /info";
            return Some(line(StatusCode::NOT_FOUND, text));
        }
        if !matches!(method, "GET" | "HEAD") {
            return Some(not_allowed());
        }
        Some(match (path.trim_end_matches('/'), self.0.state.load(Ordering::Acquire)) {
            ("/info", _) => body(StatusCode::OK, JSON, self.info().into()),
            (_, SHUT_DOWN) => line(StatusCode::SERVICE_UNAVAILABLE, "telemetry is shut down"),
            ("/health", SERVING) => line(StatusCode::OK, "ok"),
            ("/health", _) => line(StatusCode::SERVICE_UNAVAILABLE, "draining"),
            _ => return None,
        })
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
            "status": self.0.status.get().map(|status| status.status()),
        });
        format!("{info}\n")
    }
}

/// Format and compression of a response with metrics.
#[derive(Clone, Copy)]
struct Encoding {
    format: Format,
    is_gzip: bool,
}

impl Encoding {
    fn accepted(headers: &impl Headers) -> Self {
        Self { format: Format::accepted(headers), is_gzip: accepts_gzip(headers) }
    }
}

impl Source {
    /// Catches panics, because collectors contain code of other crates.
    fn metrics(&self, encoding: Encoding) -> Response<Bytes> {
        let encoded = catch_unwind(AssertUnwindSafe(|| self.encoded(encoding.format)));
        let page = match encoded {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => return failed(&error),
            Err(panic) => {
                return failed(&format!(
                    "a collector panicked: {}",
                    panic_message(&*panic).unwrap_or("no message")
                ));
            }
        };
        let (page, is_gzip) = match encoding.is_gzip.then(|| gzip(&page)) {
            Some(Ok(compressed)) => (compressed, true),
            _ => (page.into_bytes(), false),
        };
        let mut response = body(StatusCode::OK, encoding.format.content_type(), page.into());
        let fields = response.headers_mut();
        fields.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
        if is_gzip {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    fn encoded(&self, format: Format) -> Result<String, String> {
        let families = self.registry.gather()?;
        match format {
            Format::Text => {
                let text = TextEncoder::new().encode_to_string(&families);
                text.map_err(|error| error.to_string())
            }
            Format::OpenMetrics => Ok(openmetrics::encode(&families, &self.exemplars)),
        }
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

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("registry", &self.0.source.registry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
