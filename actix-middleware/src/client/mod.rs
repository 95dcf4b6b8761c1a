//! Middleware for [`awc`], the client of actix: a client span for every request it sends, and the trace goes on in the
//! service it calls.
//!
//! ```no_run
//! use actix_middleware::client::ClientTracing;
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
//! The parent of the span is the context that is current when the request is sent, in a handler the span of its request.
//!
//! The method names the span, or a [`UrlTemplate`] that is inserted into the header of the request. A [`ResendCount`] is
//! inserted in the same way; redirects that awc follows are counted.
//!
//! # Redirects
//!
//! awc puts its own redirect middleware outside of all others: every hop is a request, with a span and a `traceparent` of
//! its own, and goes through [`allowed_hosts`](tracing_core_ext::exchange::Builder::allowed_hosts) anew. The later hops are
//! sent where the future is polled: poll it in the context of the first one, or they are not part of the trace. That of a
//! handler is; one that is handed to `rt::spawn` takes its context along by
//! [`with_current_context`](opentelemetry::context::FutureExt::with_current_context).
//!
//! For one span around all hops, turn that off and register another inside of this middleware:
//! `.disable_redirects().wrap(Redirect::new()).wrap(ClientTracing::new())`. Then only the first host has to be allowed to
//! learn of the trace.
//!
//! # Versions
//!
//! awc 3 and actix-http 3.
//!
//! # When does the span end?
//!
//! With the last byte of the response's body, its error, or when response or future are dropped, which is no error. The
//! time limit of an `awc` client is outside of its middleware and drops the future too; see
//! [`client_timeout`](ClientTracing::client_timeout). What awc takes for the end of a
//! body, such as a connection that closes early, is its end here. A WebSocket handshake ends the span where it is answered.

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
