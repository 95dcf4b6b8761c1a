//! An instrumented [`reqwest`] client: a client span for every request it sends, and the trace goes on in the service it
//! calls. Redirects that reqwest follows are part of that span.
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
//! Requests, responses and errors are reqwest's own. The parent of the span is the context that is current when
//! [`send`](RequestBuilder::send) or [`execute`](Client::execute) is called, even if the future is polled elsewhere.
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

mod request;
mod send;

use std::fmt;

use reqwest::{IntoUrl, Method, Request, Response};

pub use self::request::RequestBuilder;
#[cfg(doc)]
use crate::exchange::ErrorType;
use crate::exchange::{Builder, Instrumentation, Sends};

/// A [`reqwest::Client`] whose requests are part of the trace. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    instrumentation: Instrumentation,
}

impl Client {
    /// A default [`reqwest::Client`], with the tracer provider and propagator that are installed now.
    ///
    /// # Panics
    ///
    /// Where [`reqwest::Client::new`] does: no TLS backend could be initialised.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A client with its own options; [`wrap`](Builder::wrap) builds it over a reqwest client of yours.
    ///
    /// ```
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    /// use tracing_core_ext::client::Client;
    ///
    /// let provider = SdkTracerProvider::builder().build();
    /// let client = Client::builder().tracer_provider(&provider).wrap(reqwest::Client::new());
    /// # drop(client);
    /// ```
    pub fn builder() -> Builder<Self> {
        Builder::new(concat!(env!("CARGO_PKG_NAME"), "::client"), env!("CARGO_PKG_VERSION"))
    }

    /// Starts a `GET` request to `url`.
    pub fn get<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Starts a `POST` request to `url`.
    pub fn post<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Starts a `PUT` request to `url`.
    pub fn put<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Starts a `PATCH` request to `url`.
    pub fn patch<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Starts a `DELETE` request to `url`.
    pub fn delete<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Starts a `HEAD` request to `url`.
    pub fn head<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Starts a request. A URL that does not parse is reported by [`RequestBuilder::send`].
    pub fn request<U: IntoUrl>(&self, method: Method, url: U) -> RequestBuilder {
        RequestBuilder::new(self.inner.request(method, url), self.instrumentation.clone())
    }

    /// Sends a request built elsewhere.
    ///
    /// # Errors
    ///
    /// Those of [`reqwest::Client::execute`].
    pub fn execute(
        &self,
        request: Request,
    ) -> impl Future<Output = reqwest::Result<Response>> + use<> {
        send::send(self.inner.clone(), self.instrumentation.clone(), request)
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl From<reqwest::Client> for Client {
    /// Instruments `inner` with the tracer provider and propagator that are installed now.
    fn from(inner: reqwest::Client) -> Self {
        Self::builder().wrap(inner)
    }
}

impl Builder<Client> {
    /// Resolves what was not set and instruments `inner`.
    pub fn wrap(self, inner: reqwest::Client) -> Client {
        Client { inner, instrumentation: self.resolve() }
    }
}

impl Sends for Client {}

impl From<Instrumentation> for Client {
    fn from(instrumentation: Instrumentation) -> Self {
        Self { inner: reqwest::Client::new(), instrumentation }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("inner", &self.inner).finish_non_exhaustive()
    }
}
