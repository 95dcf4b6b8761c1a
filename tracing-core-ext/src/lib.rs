//! The shared heart of distributed tracing for Rust web services: what the middlewares for axum (`axum-layer`) and
//! actix-web (`actix-middleware`) have in common, an instrumented HTTP client, and the set-up of a service.
//!
//! ```no_run
//! use tracing_core_ext::{client::Client, telemetry::Telemetry};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let telemetry = Telemetry::builder().service_name("checkout").install()?;
//!
//! let client = Client::new();
//! let stock = client.get("http://inventory.example/stock/7").send().await?.text().await?;
//! tracing::info!(stock, "asked the inventory");
//!
//! telemetry.shutdown()?;
//! # Ok(())
//! # }
//! ```
//!
//! | module | for whom |
//! | --- | --- |
//! | [`telemetry`] | every service: tracer provider, propagator, log lines, export |
//! | `prometheus` | every service that is measured |
//! | [`client`] | every service that calls others |
//! | [`exchange`] | authors of middleware, and handlers that want their request's span |
//! | [`propagation`] | whoever carries context over something that is not HTTP |
//! | [`http`] | authors of middleware |
//!
//! # Features
//!
//! | feature | default | brings |
//! | --- | --- | --- |
//! | `telemetry` | by `otlp` | [`telemetry`] with the console waterfall |
//! | `otlp` | yes | export of traces and metrics over OTLP (HTTP/protobuf and HTTP/JSON) |
//! | `grpc` | no | the same over gRPC |
//! | `jaeger` | no | export of traces to Jaeger: an agent over UDP, a collector over HTTP |
//! | `prometheus` | no | `prometheus`: metrics for Prometheus to scrape |
//! | `reqwest` | yes | [`client::Client`] |
//! | `reqwest-middleware` | no | `client::TracingMiddleware` |
//! | `tower` | no | `client::ClientLayer` |
//! | `tls` | no | `https` endpoints for export, certificates of one's own |

mod base;
mod bridge;
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub mod client;
#[cfg(feature = "telemetry")]
mod config;
pub mod exchange;
#[cfg(feature = "telemetry")]
mod export;
pub mod http;
mod metrics;
pub mod propagation;
#[allow(dead_code, unused_imports, reason = "the export pipeline uses it")]
mod semconv;
#[cfg(feature = "telemetry")]
pub mod telemetry;
#[allow(dead_code, unused_imports, reason = "the export pipeline uses it")]
pub mod trace;

#[cfg(feature = "prometheus")]
pub use self::export::prometheus;
