//! Instrumented clients: a client span for every request they send, and the trace goes on in the service they call.
//!
//! | client | feature | for |
//! | --- | --- | --- |
//! | [`Client`] | `reqwest` | whoever calls services; redirects that reqwest follows are part of the span |
//! | [`ClientLayer`] | `tower` | any Tower service that sends `http` requests: hyper-util's client, tonic's channel |
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
//! them has lost interest, which is no error: the status of the span stays unset. A status of 400 or above is one
//! (semantic conventions, HTTP client spans), and so is a request that gets no response; `error.type` is one of
//! [`ErrorType`].
//!
//! Where the span is not sampled, or no SDK is installed, the context still goes out with the request.
//!
//! TLS and the other features of reqwest are those of your own dependency on it; hand a client made your way to
//! [`Client::from`].

#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "reqwest")]
mod request;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "reqwest")]
mod send;
#[cfg(feature = "tower")]
mod service;

#[cfg(feature = "tower")]
pub use self::{layer::ClientLayer, service::ClientService};
#[cfg(feature = "reqwest")]
pub use self::{request::RequestBuilder, reqwest::Client};
#[cfg(doc)]
use crate::exchange::ErrorType;
