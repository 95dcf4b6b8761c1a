//! Distributed tracing for [axum](https://docs.rs/axum), and for any Tower service that speaks HTTP.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use axum_layer::{RequestSpan, TracingLayer};
//!
//! async fn item(span: RequestSpan) -> String {
//!     format!("trace {}", span.trace_id())
//! }
//!
//! # async fn run() -> std::io::Result<()> {
//! let app = Router::new().route("/items/{id}", get(item)).layer(TracingLayer::new());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! axum::serve(listener, app).await
//! # }
//! ```
//!
//! # What a request gets
//!
//! - One server span with the attributes of the HTTP semantic conventions, below the span the `traceparent` header
//!   names. It starts when the layer is called and ends when the body of the response does.
//! - That span as the current one, of OpenTelemetry and of `tracing`, while handler, inner middleware and body are
//!   polled: spans and log lines made there belong to it.
//! - A [`RequestSpan`] in its extensions.
//!
//! The peer's address is recorded where the application is served with
//! [`into_make_service_with_connect_info::<SocketAddr>`](axum::Router::into_make_service_with_connect_info).
//!
//! How and when an exchange ends is told in [`tracing_core_ext::exchange`].
//!
//! With the feature `prometheus`, `metrics` makes the routes that answer scrapes.

mod extract;
mod layer;
#[cfg(feature = "prometheus")]
mod metrics;
mod request;
mod route;
mod service;

#[cfg(feature = "prometheus")]
pub use self::metrics::metrics;
pub use self::{
    extract::RequestSpan,
    layer::TracingLayer,
    route::{RouteLayer, RouteService},
    service::TracingService,
};
