use std::fmt;

use reqwest::{IntoUrl, Method, Request, Response};

use super::{RequestBuilder, send};
use crate::exchange::{Builder, Instrumentation};

/// A [`reqwest::Client`] whose requests are part of the trace. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: reqwest::Client,
    pub(super) instrumentation: Instrumentation,
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
