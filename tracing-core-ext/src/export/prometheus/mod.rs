//! Metrics for Prometheus to scrape.
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
//! // … `curl http://127.0.0.1:9464/metrics` tells `shop_orders_total` …
//!
//! telemetry.shutdown()?;
//! # Ok(())
//! # }
//! ```
//!
//! Without a line of code the same is set up by `OTEL_METRICS_EXPORTER=prometheus`.
//!
//! # What is served
//!
//! - Everything that OpenTelemetry's meters record, with the service's resource as `target_info`.
//! - `process_*` (Linux): CPU, memory, file descriptors, threads, start.
//! - `tokio_*`: workers, tasks, queue, how busy the workers are; with `--cfg tokio_unstable` more.
//! - Whatever collectors of the `prometheus` crate are added by [`Prometheus::collector`] or [`Registry::register`].
//!
//! [`Endpoint`] tells of the paths and formats; OpenMetrics has exemplars. It is served by a listener of its own, on a
//! thread of its own, unless it is [mounted](Prometheus::mounted).
//!
//! # What cannot go wrong
//!
//! - A **collector** with a name that is taken, clashes or is invalid is refused with a [`RegisterError`].
//! - An **instrument** that Prometheus cannot tell from another, as `a.b` from `a_b`, is told of when it is made. What does
//!   not fit together is left out of the scrape, told of once, and counted in `otel_prometheus_skipped_total`; the rest is
//!   served.
//! - An instrument with **too many series** has one that counts all the others, and is told of once.
//! - A **callback** of an instrument that panics leaves its own measurements out, which is logged
//!   once and counted. If it was registered through another provider, the SDK collects nothing any
//!   more, and scrapes are responded to by 500.
//! - A **scrape** never waits for requests, nor they for it. A collector that hangs delays neither
//!   `/health` nor requests: the scrape is responded to by 503 before the scraper gives up, and the
//!   next one waits for the collector as long.
//! - At most 32 connections are open, each for one request and 30 seconds.

pub(crate) mod collectors;
mod error;
pub(crate) mod format;
pub(crate) mod options;
mod registry;
pub(crate) mod server;

pub use self::{
    error::RegisterError,
    options::Prometheus,
    registry::Registry,
    server::{endpoint::Endpoint, scrape_thread::ScrapeFuture},
};
