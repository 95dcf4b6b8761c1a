//! Distributed tracing for [actix-web](https://docs.rs/actix-web).
//!
//! ```no_run
//! use tracing_actix_middleware::{RequestSpan, Tracing};
//! use actix_web::{App, HttpServer, get};
//!
//! #[get("/items/{id}")]
//! async fn item(span: RequestSpan) -> String {
//!     format!("trace {}", span.trace_id())
//! }
//!
//! # async fn run() -> std::io::Result<()> {
//! HttpServer::new(|| App::new().wrap(Tracing::new()).service(item))
//!     .bind("127.0.0.1:8080")?
//!     .run()
//!     .await
//! # }
//! ```
//!
//! The middleware records nothing without a set-up: `Telemetry::builder()…install()` comes first, as in
//! the [first service](tracing_core_ext::manual::first_service). All options of `Tracing::builder()`
//! are in the [table of options](tracing_core_ext::manual::options), and the
//! [manual](tracing_core_ext::manual) describes everything else.
//!
//! # Effects on a request
//!
//! - Each request has one server span with the attributes of the HTTP semantic conventions. Its
//!   parent is the span in the `traceparent` header. It starts when the middleware is called and
//!   ends with the body of the response.
//! - The span is current, for OpenTelemetry and for `tracing`, while handler, inner middleware and
//!   body are polled. Spans and log lines created there belong to it.
//! - The extensions of the request contain a [`RequestSpan`].
//! - With the options `request_log` and `request_id` of the builder, the request has one log line when
//!   it ends, and an ID in `x-request-id`. [`Problem`] is a response with the IDs of the request.
//!
//! Middleware that is registered later wraps middleware that was registered before. Register
//! [`Tracing`] last, so that all other middleware runs inside the span.
//!
//! # WebSockets
//!
//! The server span of a handshake ends with the response 101, however long the connection stays
//! open. A handler can create a span for the connection. This span is in a new trace and links to
//! the handshake:
//!
//! ```no_run
//! use tracing_actix_middleware::RequestSpan;
//! use actix_web::{HttpRequest, HttpResponse, get, rt, web::Payload};
//! use actix_ws::{Message, MessageStream, Session};
//! use futures_util::StreamExt;
//!
//! #[get("/chat")]
//! async fn chat(
//!     request: HttpRequest,
//!     payload: Payload,
//!     span: RequestSpan,
//! ) -> actix_web::Result<HttpResponse> {
//!     let (response, session, messages) = actix_ws::handle(&request, payload)?;
//!     rt::spawn(async move { span.websocket("/chat").run(echo(session, messages)).await });
//!     Ok(response)
//! }
//!
//! async fn echo(mut session: Session, mut messages: MessageStream) {
//!     while let Some(Ok(Message::Text(text))) = messages.next().await {
//!         if session.text(text).await.is_err() {
//!             break;
//!         }
//!     }
//! }
//! ```
//!
//! [`manual::endings`](tracing_core_ext::manual::endings) lists how and when spans end.
//!
//! # Features
//!
//! | feature | default | content |
//! | --- | --- | --- |
//! | `awc` | no | `client`, which traces requests of [awc](https://docs.rs/awc) |
//! | `panel` | no | `panel`, which returns the routes of the panel |
//! | `prometheus` | no | `metrics`, which returns the routes for scrapes |
//!
//! # Versions
//!
//! actix-web 4.18 or later, awc 3.11 or later. Rust 1.89.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
#[cfg(feature = "awc")]
pub mod client;
mod error;
mod expected_route;
mod future;
mod handlers;
mod headers;
#[cfg(feature = "prometheus")]
mod metrics;
#[cfg(feature = "panel")]
mod panel;
mod request;
mod service;
mod transform;

#[cfg(feature = "prometheus")]
pub use self::metrics::metrics;
#[cfg(feature = "panel")]
pub use self::panel::panel;
pub use tracing_core_ext::exchange::ProblemDetails;

pub use self::{
    body::ExchangeBody,
    future::ResponseFuture,
    handlers::{MissingRequestId, Problem, RequestId, RequestSpan, block},
    service::TracingService,
    transform::Tracing,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
