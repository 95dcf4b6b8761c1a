//! Middleware for [`awc`], the HTTP client of actix. It creates a client span for each request and
//! injects the trace context into its headers.
//!
//! ```no_run
//! use tracing_actix_middleware::client::ClientTracing;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = awc::Client::builder().wrap(ClientTracing::new()).finish();
//! let mut response = client.get("http://inventory.example/stock/7").send().await?;
//! let stock = response.body().await?;
//! # drop(stock);
//! # Ok(())
//! # }
//! ```
//!
//! The parent of the span is the context that is current when the request is sent; in a handler, it
//! is the server span.
//!
//! The span is named by the method, or by the method and a [`UrlTemplate`] that is inserted into
//! the headers of the request. A [`ResendCount`] is inserted in the same way. Redirects that awc
//! follows are counted.
//!
//! # Redirects
//!
//! awc places its own redirect middleware outside all other middleware. Each hop is therefore a
//! request with its own span and its own `traceparent`, and is checked against
//! [`allowed_hosts`](tracing_core_ext::exchange::Builder::allowed_hosts) again. The later hops are
//! sent when the future is polled. Poll the future in the context of the first hop, or the later
//! hops are not part of the trace. In a handler this is the case. For a future that is passed to
//! `rt::spawn`, keep the context with
//! [`with_current_context`](opentelemetry::context::FutureExt::with_current_context).
//!
//! For one span around all hops, disable that middleware and register another one inside this
//! middleware: `.disable_redirects().wrap(Redirect::new()).wrap(ClientTracing::new())`. Then only
//! the first host must be an allowed host.
//!
//! # Versions
//!
//! The supported versions are awc 3 and actix-http 3.
//!
//! # End of the span
//!
//! The span ends with the last byte of the response body, with an error of the body, or when
//! response or future are dropped, which is not an error. The time limit of an `awc` client is
//! outside its middleware and drops the future as well; see
//! [`client_timeout`](ClientTracing::client_timeout). If awc treats a connection that closes early
//! as the end of the body, the span ends without an error. The span of a WebSocket handshake ends
//! with its response.

mod future;
mod payload;
mod redirect;
mod request;
mod request_options;
mod service;
mod timed;
mod transform;

pub use self::{
    future::ResponseFuture,
    request_options::{ResendCount, UrlTemplate},
    service::ClientService,
    transform::ClientTracing,
};
