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
//! # gRPC
//!
//! A service of [tonic](https://docs.rs/tonic) takes the layer where its server is built, or among the routes of an axum
//! router. Requests of gRPC become spans named by service and method, with `rpc.system.name`, `rpc.method` and
//! `rpc.response.status_code` from the trailers; the statuses for which the server is to blame are errors. tonic's own
//! server does not tell the peer's address in a way the layer knows, and a time limit it sets is outside of every layer:
//! such a call ends as `cancelled_before_head`, with the status `DEADLINE_EXCEEDED` if the caller has sent the limit, else
//! `CANCELLED`. A call whose handler panics has the status `UNKNOWN`. gRPC-Web is recognised outside and inside of the layer
//! that translates it.
//!
//! ```ignore
//! tonic::transport::Server::builder()
//!     .layer(TracingLayer::new())
//!     .add_service(StockServer::new(stock))
//!     .serve(address)
//!     .await?;
//! ```
//!
//! Tonic's client takes a [`ClientLayer`](https://docs.rs/tracing-core-ext) around its channel.
//!
//! # WebSockets
//!
//! The server span of a handshake ends with its 101, however long the connection stays open. The connection gets a span
//! where its handler asks for one, in a new trace that links to the handshake:
//!
//! ```no_run
//! use axum::{
//!     extract::ws::{WebSocket, WebSocketUpgrade},
//!     response::Response,
//! };
//! use axum_layer::RequestSpan;
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
//! How and when an exchange ends is told in [`tracing_core_ext::exchange`].
//!
//! With the feature `prometheus`, `with_metrics` adds the routes that scrapes read.
//!
//! The supported versions are axum 0.8, and for services without axum `http` 1 and Tower 0.5.

mod extract;
mod layer;
#[cfg(feature = "prometheus")]
mod metrics;
mod request;
mod route;
mod service;

#[cfg(feature = "prometheus")]
pub use self::metrics::with_metrics;
pub use tracing_core_ext::exchange::HandlerError;

pub use self::{
    extract::RequestSpan,
    layer::TracingLayer,
    route::{RouteLayer, RouteService},
    service::TracingService,
};
