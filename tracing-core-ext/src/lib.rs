//! Core of distributed tracing for Rust web services: the common part of the middlewares for axum
//! (`tracing-axum-layer`) and actix-web (`tracing-actix-middleware`), an instrumented HTTP client, a recorder of
//! spans, their export, and the set-up of a service.
//!
//! ```no_run
//! use tracing_core_ext::{client::Client, telemetry::Telemetry};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let telemetry = Telemetry::builder().service_name("checkout").install()?;
//!
//! let client = Client::new();
//! let stock = client.get("http://inventory.example/stock/7").send().await?.text().await?;
//! tracing::info!(stock, "inventory received");
//!
//! telemetry.shutdown()?;
//! # Ok(())
//! # }
//! ```
//!
//! The [`manual`] begins with a [first service](manual::first_service) and describes everything else by topic.
//!
//! # Key concepts
//!
//! - **Exchange**: one HTTP request and its response; an [`Exchange`](exchange::Exchange) owns one
//!   span and ends it once.
//! - **Instrumentation**: tracer, propagator, instruments and options of one middleware or client,
//!   resolved when it is built: [`Instrumentation`](exchange::Instrumentation).
//! - **Propagator**: reads trace context from the headers of a request and writes it into others:
//!   [`Propagator`](propagation::Propagator).
//! - **Recorder**: a [`TracerProvider`](trace::TracerProvider) and its tracers, which decide whether
//!   a span is recorded and keep its attributes until it is exported.
//! - **Pipeline**: a bounded queue of ended spans, and the thread that exports them to one backend;
//!   [`telemetry`] builds one for each exporter.
//! - **The `tracing` span of an exchange**: the span that `tracing::Span::current()` returns in a
//!   handler; it is not exported, and for OpenTelemetry it is the span of the exchange.
//!
//! # Modules
//!
//! | module | used by |
//! | --- | --- |
//! | [`manual`] | readers |
//! | [`telemetry`] | services: tracer provider, propagator, log lines, export |
//! | `prometheus` | services that Prometheus scrapes |
//! | `panel` | services that show their telemetry in a browser |
//! | `testing` | tests of services: expectations of traces, metrics and log lines |
//! | [`client`] | services that call others |
//! | [`trace`] | services and tests that set up a tracer provider without [`telemetry`] |
//! | [`exchange`] | authors of middleware, and handlers that use the span of their request |
//! | [`propagation`] | services that send context over something other than HTTP |
//! | [`carry`] | code that continues a trace in other tasks, threads, queues and jobs |
//! | [`http`] | authors of middleware |
//!
//! # Features
//!
//! | feature | default | content |
//! | --- | --- | --- |
//! | `telemetry` | by `otlp` | [`telemetry`] with waterfalls and JSON on the console |
//! | `otlp` | yes | export of traces, metrics and logs over OTLP (gRPC, HTTP/protobuf and HTTP/JSON) |
//! | `jaeger` | no | export of traces to Jaeger: an agent over UDP, a collector over HTTP |
//! | `prometheus` | no | `prometheus`: metrics for Prometheus to scrape |
//! | `panel` | no | `panel`: a browser view of the service's telemetry, from its own process |
//! | `reqwest` | yes | [`client::Client`] |
//! | `rustls` | yes | `https` for [`client::Client`] |
//! | `reqwest-middleware` | no | `client::TracingMiddleware` |
//! | `tower` | no | `client::ClientLayer` |
//! | `tls` | no | `https` endpoints for export, and certificates |
//! | `testing` | no | `testing`: the test kit, for dev-dependencies |
//!
//! The encoder of `jaeger` is the crate `opentelemetry-jaeger`, which is unmaintained
//! ([RUSTSEC-2025-0123](https://rustsec.org/advisories/RUSTSEC-2025-0123)). It only encodes spans and
//! reads nothing from the network. A service without this feature does not depend on it. Prefer OTLP,
//! which Jaeger receives since version 1.35.
//!
//! # Crates of OpenTelemetry
//!
//! The types of [`opentelemetry`], [`opentelemetry_sdk`] and [`tracing_opentelemetry`] are in the
//! interface of this crate, and Cargo allows two versions of each in a program. A global provider
//! and the current context of one version are not visible to another. Import these crates from here,
//! so that their versions are always the same:
//!
//! ```
//! use tracing_core_ext::opentelemetry::{KeyValue, global};
//!
//! let orders = global::meter("shop").u64_counter("shop.orders").build();
//! orders.add(1, &[KeyValue::new("shop.item", "tea")]);
//! ```
//!
//! A dependency on one of them that switches on more features, such as `opentelemetry_sdk/testing`,
//! needs the version of the table.
//!
//! # Versions
//!
//! | crate | version |
//! | --- | --- |
//! | `opentelemetry`, `opentelemetry_sdk` | 0.33 |
//! | `tracing-opentelemetry` | 0.34 |
//! | `tracing` | 0.1 |
//! | `tracing-subscriber` | 0.3 |
//! | `http`, `http-body` | 1 |
//! | `reqwest` | 0.13 |
//! | `reqwest-middleware` | 0.5 |
//! | `tower-layer`, `tower-service` | 0.3 |
//! | `prometheus` | 0.14 |
//! | `tokio` | 1 |
//! | Rust | 1.88 |

#![cfg_attr(docsrs, feature(doc_cfg))]
// `.ci/run` checks all features together, which use everything.
#![cfg_attr(
    not(all(
        feature = "jaeger",
        feature = "otlp",
        feature = "panel",
        feature = "prometheus",
        feature = "reqwest-middleware",
        feature = "testing",
        feature = "tls",
        feature = "tower",
    )),
    allow(dead_code, unreachable_pub, unused_imports, reason = "features that are off use it")
)]

mod base;
mod bridge;
pub mod carry;
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub mod client;
#[cfg(feature = "telemetry")]
mod config;
pub mod exchange;
#[cfg(feature = "telemetry")]
mod export;
#[cfg(all(fuzzing, feature = "telemetry"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
mod logs;
pub mod manual;
mod metrics;
pub mod propagation;
mod semconv;
#[cfg(feature = "telemetry")]
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trace;

pub use opentelemetry;
pub use opentelemetry_sdk;
pub use tracing_opentelemetry;

#[cfg(feature = "panel")]
pub use self::export::panel;
#[cfg(feature = "prometheus")]
pub use self::export::prometheus;

#[cfg(all(doctest, feature = "otlp", feature = "reqwest"))]
#[doc = include_str!("../README.md")]
struct Readme;
