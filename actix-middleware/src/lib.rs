//! Distributed tracing for [actix-web](https://docs.rs/actix-web).
//!
//! ```no_run
//! use actix_middleware::{RequestSpan, Tracing};
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
//! # What a request gets
//!
//! - One server span with the attributes of the HTTP semantic conventions, below the span the `traceparent` header
//!   names. It starts when the middleware is called and ends when the body of the response does.
//! - That span as the current one, of OpenTelemetry and of `tracing`, while handler, inner middleware and body are
//!   polled: spans and log lines made there belong to it.
//! - A [`RequestSpan`] in its extensions.
//!
//! Middleware registered later wraps what was registered before: register [`Tracing`] last, and all the others are
//! inside the span.
//!
//! With the feature `awc`, `client` has the same for requests that are sent by [awc](https://docs.rs/awc).
//!
//! # WebSockets
//!
//! The server span of a handshake ends with its 101, however long the connection stays open. The connection gets a span
//! where its handler asks for one, in a new trace that links to the handshake:
//!
//! ```no_run
//! use actix_middleware::RequestSpan;
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
//! How and when an exchange ends is told in [`tracing_core_ext::exchange`].
//!
//! With the feature `prometheus`, `metrics` returns the routes that scrapes read. With the feature `panel`,
//! `panel` those of the panel.
//!
//! The supported version of actix-web is 4.

mod body;
#[cfg(feature = "awc")]
pub mod client;
mod error;
mod expected_route;
mod extract;
mod future;
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
pub use self::{
    body::ExchangeBody, extract::RequestSpan, future::ResponseFuture, service::TracingService,
    transform::Tracing,
};
