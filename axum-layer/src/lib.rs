//! Distributed tracing for [axum](https://docs.rs/axum), and for any Tower service for HTTP.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use tracing_axum_layer::{RequestSpan, TracingLayer};
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
//! The middleware records nothing without a set-up: `Telemetry::builder()…install()` comes first, as in
//! the [first service](tracing_core_ext::manual::first_service). All options of `TracingLayer::builder()`
//! are in the [table of options](tracing_core_ext::manual::options), and the
//! [manual](tracing_core_ext::manual) describes everything else.
//!
//! # Effects on a request
//!
//! - Each request has one server span with the attributes of the HTTP semantic conventions. Its
//!   parent is the span in the `traceparent` header. It starts when the layer is called and ends
//!   with the body of the response.
//! - The span is current, for OpenTelemetry and for `tracing`, while handler, inner middleware and
//!   body are polled. Spans and log lines created there belong to it.
//! - The extensions of the request contain a [`RequestSpan`].
//! - With the options `request_log` and `request_id` of the builder, the request has one log line when
//!   it ends, and an ID in `x-request-id`. [`Problem`] is a response with the IDs of the request.
//!
//! The address of the peer is recorded if the application is served with
//! [`into_make_service_with_connect_info::<SocketAddr>`](axum::Router::into_make_service_with_connect_info).
//!
//! # gRPC
//!
//! Add the layer to the server builder of [tonic](https://docs.rs/tonic), or to the routes of an
//! axum router. Spans of gRPC requests are named by service and method. They have
//! `rpc.system.name`, `rpc.method`, and `rpc.response.status_code` from the trailers. Statuses that
//! are faults of the server are errors.
//!
//! tonic's own server does not provide the address of the peer in an extension that the layer
//! reads. A time limit of the server is enforced outside every layer: such a call ends as
//! `cancelled_before_head`, with the status `DEADLINE_EXCEEDED` if the caller has sent the limit,
//! or else `CANCELLED`. A call whose handler panics has the status `UNKNOWN`. gRPC-Web is
//! recognised outside and inside the layer that translates it.
//!
//! The [first service](tracing_core_ext::manual::first_service#tonic) has a server of tonic, and a client
//! with a `ClientLayer` around its channel.
//!
//! # WebSockets
//!
//! The server span of a handshake ends with the response 101, however long the connection stays
//! open. A handler can create a span for the connection. This span is in a new trace and links to
//! the handshake:
//!
//! ```no_run
//! use axum::{
//!     extract::ws::{WebSocket, WebSocketUpgrade},
//!     response::Response,
//! };
//! use tracing_axum_layer::RequestSpan;
//!
//! async fn chat(upgrade: WebSocketUpgrade, span: RequestSpan) -> Response {
//!     upgrade.on_upgrade(async move |socket| span.websocket("/chat").run(echo(socket)).await)
//! }
//!
//! async fn echo(mut socket: WebSocket) {
//!     while let Some(Ok(message)) = socket.recv().await {
//!         if socket.send(message).await.is_err() {
//!             break;
//!         }
//!     }
//! }
//! # axum::Router::<()>::new().route("/chat", axum::routing::any(chat));
//! ```
//!
//! [`manual::endings`](tracing_core_ext::manual::endings) lists how and when spans end.
//!
//! # Features
//!
//! | feature | default | content |
//! | --- | --- | --- |
//! | `prometheus` | no | `with_metrics`, which adds the routes for scrapes |
//!
//! # Versions
//!
//! axum 0.8, tonic 0.14, and, for services without either, `http` 1 and Tower 0.5. Rust 1.88.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod extract;
mod layer;
#[cfg(feature = "prometheus")]
mod metrics;
mod problem;
mod request;
mod route;
mod service;

#[cfg(feature = "prometheus")]
pub use self::metrics::with_metrics;
pub use tracing_core_ext::exchange::{HandlerError, ProblemDetails};

pub use self::{
    extract::{MissingRequestId, RequestId, RequestSpan},
    layer::TracingLayer,
    problem::Problem,
    route::{RouteLayer, RouteService},
    service::TracingService,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
