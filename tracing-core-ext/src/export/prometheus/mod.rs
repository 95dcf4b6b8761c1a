//! Metrics endpoint for Prometheus.
//!
//! ```no_run
//! use opentelemetry::global;
//! use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let telemetry =
//!     Telemetry::builder().service_name("checkout").prometheus(Prometheus::new()).install()?;
//!
//! let orders = global::meter("shop").u64_counter("shop.orders").build();
//! orders.add(1, &[]);
//! // … `curl http://127.0.0.1:9464/metrics` returns `shop_orders_total` …
//!
//! telemetry.shutdown()?;
//! # Ok(())
//! # }
//! ```
//!
//! `OTEL_METRICS_EXPORTER=prometheus` sets up the same without code.
//!
//! # Exposed metrics
//!
//! - All metrics of OpenTelemetry's meters, with the resource of the service as `target_info`.
//! - `process_*` (Linux): CPU, memory, file descriptors, threads, start time.
//! - `tokio_*`: workers, tasks, queue depth and busy time of the workers; more with
//!   `--cfg tokio_unstable`.
//! - All collectors of the `prometheus` crate that are added by [`Prometheus::collector`] or
//!   [`Registry::register`].
//!
//! [`Endpoint`] describes the paths and formats. OpenMetrics contains exemplars. The endpoint has a
//! separate listener on a separate thread, unless it is [mounted](Prometheus::mounted).
//!
//! # Failures
//!
//! - A **collector** whose name is taken, conflicts or is invalid is refused with a
//!   [`RegisterError`].
//! - An **instrument** with the same name in Prometheus as another, such as `a.b` and `a_b`, is
//!   logged when it is created. Metrics that conflict are omitted from the scrape, logged once, and
//!   counted in `otel_prometheus_skipped_total`. All others are exposed.
//! - An instrument with **too many series** has one series for all further ones, and is logged
//!   once.
//! - A **callback** of an instrument that panics loses its own measurements, which is logged once
//!   and counted. If it was registered through another provider, the SDK collects no further
//!   metrics, and the response to scrapes is 503.
//! - A **scrape** never waits for requests, and requests never wait for a scrape. A collector that
//!   hangs delays neither `/health` nor requests: the response to the scrape is 503 before the
//!   scraper times out, and the next scrape waits for the collector for the same time.
//! - At most 32 connections are open, each for one request and at most 30 seconds.

pub(crate) mod collectors;
mod error;
pub(crate) mod format;
pub(crate) mod options;
pub(crate) mod registry;
pub(crate) mod server;

pub use self::{
    error::RegisterError,
    options::Prometheus,
    registry::Registry,
    server::{control_access::ControlAccess, endpoint::Endpoint, scrape_thread::ScrapeFuture},
};
