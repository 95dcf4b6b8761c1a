//! Instrumented clients: a client span for every request they send, and the trace goes on in the service they call.
//!
//! | client | feature | for |
//! | --- | --- | --- |
//! | [`Client`] | `reqwest` | whoever calls services |
//! | `TracingMiddleware` | `reqwest-middleware` | clients of the crate of that name, which retry |
//! | `ClientLayer` | `tower` | any Tower service that sends `http` requests: hyper-util's client, tonic's channel |
//!
//! ```no_run
//! # async fn run() -> reqwest::Result<()> {
//! use tracing_core_ext::client::Client;
//!
//! let client = Client::new();
//! let stock = client
//!     .get("http://inventory.example/stock/7")
//!     .query(&[("warehouse", "north")])
//!     .send()
//!     .await?
//!     .error_for_status()?
//!     .text()
//!     .await?;
//! # drop(stock);
//! # Ok(())
//! # }
//! ```
//!
//! Requests, responses and errors are those of the client inside. The parent of the span is the context that is current
//! when [`send`](RequestBuilder::send), [`execute`](Client::execute) or `call` is called, even if the future is polled
//! elsewhere.
//!
//! # When does the span end?
//!
//! With the last byte of the response's body, its error, or when response or future are dropped. A caller that drops
//! them has lost interest, which is no error: the status of the span stays unset. To record those calls as errors, and to alert
//! on time limits around calls, see
//! [`dropped_calls_are_errors`](crate::exchange::Builder::dropped_calls_are_errors). A status of 400 or above is an error
//! (semantic conventions, HTTP client spans), and so is a request that gets no response, or not all of it;
//! `error.type` is one of [`ErrorType`], and the description of the status is the message of the error.
//!
//! # What names it?
//!
//! The method, for a path would make a name of every resource. Say what the URL was made from, and that names it as well:
//! [`url_template`](RequestBuilder::url_template), or for the two other clients a [`UrlTemplate`] in the extensions of the
//! request; those of reqwest's own, which [`execute`](Client::execute) takes, cannot be read.
//!
//! # Sent again
//!
//! Every redirect that [`Client`] follows is a request of its own and has a span of its own, beside the first one, with the context injected anew
//! and the next `http.request.resend_count`. Ten are followed, or as many as
//! [`max_redirects`](crate::exchange::Builder::max_redirects) says, by reqwest's rules, except:
//!
//! - There is no `Referer`.
//! - What `https_only` forbids has a span as well, with the error, though it is not sent.
//! - A time limit, of the request or of the client, holds for all of them together.
//!
//! A client handed to [`wrap`](Builder::wrap) or [`From`] follows redirects itself, inside of one span; [`wrap_builder`]
//! takes it unbuilt and makes one span a redirect.
//!
//! A loop of your own says how often it has sent a request: [`resend_count`](RequestBuilder::resend_count), or for the two
//! other clients a [`ResendCount`] in the extensions.
//!
//! [`wrap_builder`]: crate::exchange::Builder::wrap_builder
//!
//! # Who learns of the trace?
//!
//! Every host that is called, or only [`allowed_hosts`](crate::exchange::Builder::allowed_hosts). A client that
//! follows redirects by itself, inside of ours, does not ask who is allowed.
//!
//! Where the span is not sampled, or no SDK is installed, the context still goes out with the request.
//!
//! # Versions
//!
//! | crate | version |
//! | --- | --- |
//! | `reqwest` | 0.13 |
//! | `reqwest-middleware` | 0.5 |
//! | `http` | 1 |
//!
//! A client of reqwest 0.12 is of another type and cannot be wrapped. To connect its requests, write the context into their
//! headers with [`Propagator::inject`](crate::propagation::Propagator::inject): their `HeaderMap` is that of `http` 1 too. They
//! have no client span.
//!
//! `https` of the default client is that of the feature `rustls`. Other features of reqwest are those of your own dependency on
//! it.

#[cfg(feature = "reqwest")]
mod client;
#[cfg(feature = "reqwest")]
mod errors;
mod extensions;
#[cfg(feature = "reqwest")]
mod inner_settings;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "reqwest")]
mod redirect;
#[cfg(feature = "reqwest")]
mod request;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
#[cfg(feature = "reqwest")]
mod send;
#[cfg(feature = "tower")]
mod service;

pub use self::extensions::{ResendCount, UrlTemplate};
#[cfg(feature = "reqwest-middleware")]
pub use self::reqwest_middleware::TracingMiddleware;
#[cfg(feature = "reqwest")]
pub use self::{client::Client, request::RequestBuilder};
#[cfg(feature = "tower")]
pub use self::{layer::ClientLayer, service::ClientService};
#[cfg(doc)]
use crate::exchange::ErrorType;
use crate::exchange::{Builder, Instrumentation};

/// A builder whose spans carry the scope of this module.
fn builder<T: From<Instrumentation>>() -> Builder<T> {
    Builder::new(concat!(env!("CARGO_PKG_NAME"), "::client"), env!("CARGO_PKG_VERSION"))
}
