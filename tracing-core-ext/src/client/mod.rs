//! Instrumented clients: every request has a client span, and the called service continues the trace.
//!
//! | client | feature | for |
//! | --- | --- | --- |
//! | [`Client`] | `reqwest` | code that calls services |
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
//! Requests, responses and errors are those of the inner client. The parent of the span is the context that is current
//! when [`send`](RequestBuilder::send), [`execute`](Client::execute) or `call` is called, even if the future is polled
//! elsewhere.
//!
//! # End of the span
//!
//! The span ends with the last byte of the response's body, with its error, or when response or future are dropped. A
//! dropped call is no error, because its caller has lost interest: the status of the span stays unset. To record those
//! calls as errors, and to alert on time limits around calls, see
//! [`dropped_calls_are_errors`](crate::exchange::Builder::dropped_calls_are_errors). A status of 400 or above is an
//! error (semantic conventions, HTTP client spans), and so is a request that gets no response, or not all of it.
//! `error.type` is one of [`ErrorType`], and the description of the status is the message of the error.
//!
//! # Span name
//!
//! The name is the method, because a path would make a new name for every resource. A URL template adds to the name the
//! pattern that the URL was made from: set it with [`url_template`](RequestBuilder::url_template), or for the two other
//! clients with a [`UrlTemplate`] in the extensions of the request. The extensions of a reqwest request, which
//! [`execute`](Client::execute) takes, cannot be read.
//!
//! # Redirects and retries
//!
//! Every redirect that [`Client`] follows is a separate request with a separate span. The span is a sibling of the
//! first one; the context is injected anew, and `http.request.resend_count` increases by one. The client follows up to
//! ten redirects, or the number set by [`max_redirects`](crate::exchange::Builder::max_redirects), by reqwest's rules,
//! except:
//!
//! - There is no `Referer`.
//! - A redirect that `https_only` forbids has a span as well, with the error, although it is not sent.
//! - A time limit, of the request or of the client, applies to all of them together.
//!
//! A client passed to [`wrap`](Builder::wrap) or [`From`] follows redirects itself, within one span; [`wrap_builder`]
//! takes an unbuilt client and makes one span per redirect.
//!
//! A retry loop in your code sets the number of earlier attempts itself: with
//! [`resend_count`](RequestBuilder::resend_count), or for the two other clients with a [`ResendCount`] in the
//! extensions.
//!
//! [`wrap_builder`]: crate::exchange::Builder::wrap_builder
//!
//! # Hosts that receive the context
//!
//! The context is sent to every host that is called, or only to the
//! [`allowed_hosts`](crate::exchange::Builder::allowed_hosts). An inner client that follows redirects by itself does
//! not check the allowed hosts.
//!
//! If the span is not sampled, or no SDK is installed, the context is still sent with the request.
//!
//! # Versions
//!
//! | crate | version |
//! | --- | --- |
//! | `reqwest` | 0.13 |
//! | `reqwest-middleware` | 0.5 |
//! | `http` | 1 |
//!
//! A client of reqwest 0.12 has another type and cannot be wrapped. To connect its requests, write the context into
//! their headers with [`Propagator::inject`](crate::propagation::Propagator::inject), which accepts their `HeaderMap`,
//! that of `http` 1. They have no client span.
//!
//! The feature `rustls` gives the default client `https`. To use other features of reqwest, add a dependency on it with
//! these features.

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

/// Creates a builder whose spans carry the scope of this module.
fn builder<T: From<Instrumentation>>() -> Builder<T> {
    Builder::new(concat!(env!("CARGO_PKG_NAME"), "::client"), env!("CARGO_PKG_VERSION"))
}
