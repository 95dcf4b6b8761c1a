use std::fmt;

use opentelemetry::Context;
use reqwest::{ClientBuilder, Request, Response};

use super::{
    inner_settings::InnerSettings,
    redirect::{self, RedirectLimits},
    send::{self, RequestOptions},
};
use crate::exchange::{Builder, ClientMiddleware, Instrumentation};

/// A [`reqwest::Client`] whose requests are part of the trace. It is cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    instrumentation: Instrumentation,
    settings: InnerSettings,
    /// Maximum number of redirects that have separate spans; `None` if `inner` follows redirects itself.
    max_redirects: Option<usize>,
}

impl Client {
    /// Creates a client with the defaults of reqwest, and the tracer provider and propagator that are installed now. It
    /// supports `https` with the feature `rustls`, which is a default.
    ///
    /// # Panics
    ///
    /// If [`reqwest::Client::new`] does, because no TLS backend could be initialised.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for a client with other options. [`wrap_builder`](Builder::wrap_builder) and
    /// [`wrap`](Builder::wrap) build it around an existing reqwest client.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    /// use tracing_core_ext::client::Client;
    ///
    /// let provider = SdkTracerProvider::builder().build();
    /// let inner = reqwest::Client::builder().connect_timeout(Duration::from_secs(1));
    /// let client = Client::builder().tracer_provider(&provider).wrap_builder(inner)?;
    /// # drop(client);
    /// # Ok::<(), reqwest::Error>(())
    /// ```
    pub fn builder() -> Builder<Self> {
        super::builder()
    }

    /// Returns the inner client, for methods that this type lacks. Its requests have no span and carry no context.
    pub const fn inner(&self) -> &reqwest::Client {
        &self.inner
    }

    /// Sends a request that was built separately.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`reqwest::Client::execute`].
    pub fn execute(
        &self,
        request: Request,
    ) -> impl Future<Output = reqwest::Result<Response>> + use<> {
        self.send(RequestOptions::default(), request)
    }

    pub(super) fn send(
        &self,
        options: RequestOptions,
        request: Request,
    ) -> impl Future<Output = reqwest::Result<Response>> + use<> {
        let Self { inner, instrumentation, settings, max_redirects } = self.clone();
        let options = RequestOptions { decompresses: settings.decompresses, ..options };
        let parent = Context::current();
        async move {
            if let Some(max) = max_redirects {
                let limits = RedirectLimits { max, timeout: settings.timeout };
                return redirect::follow(inner, instrumentation, parent, options, request, limits)
                    .await;
            }
            let execute = |request| inner.execute(request);
            let response =
                send::send(&instrumentation, &parent, &options, request, execute).await?;
            Ok(response.into_response())
        }
    }

    fn build(inner: ClientBuilder, instrumentation: Instrumentation) -> reqwest::Result<Self> {
        let max = instrumentation.options().max_redirects.unwrap_or(redirect::MAX_REDIRECTS);
        let inner = inner.redirect(redirect::policy(max)).build()?;
        let settings = InnerSettings::of(&inner);
        Ok(Self { inner, instrumentation, settings, max_redirects: Some(max) })
    }
}

impl AsRef<reqwest::Client> for Client {
    /// Returns the same as [`inner`](Client::inner).
    fn as_ref(&self) -> &reqwest::Client {
        &self.inner
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
    /// Limits the number of redirects that are followed; one more is an error. The default is ten, as in reqwest.
    ///
    /// With 0 no redirect is followed: the redirect is the response. A client that is passed to [`wrap`](Self::wrap)
    /// keeps its own limit.
    ///
    /// ```
    /// use tracing_core_ext::client::Client;
    ///
    /// let client = Client::builder().max_redirects(0).build();
    /// # drop(client);
    /// ```
    pub const fn max_redirects(mut self, max: usize) -> Self {
        self.options_mut().max_redirects = Some(max);
        self
    }

    /// Resolves the options that are not set, builds `inner` and instruments it.
    ///
    /// Its redirect policy is replaced: redirects are followed as by [`Client::new`], up to
    /// [`max_redirects`](Self::max_redirects).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`reqwest::ClientBuilder::build`].
    pub fn wrap_builder(self, inner: ClientBuilder) -> reqwest::Result<Client> {
        Client::build(inner, self.resolve())
    }

    /// Resolves the options that are not set and instruments `inner`.
    ///
    /// Redirects that `inner` follows are part of one span. They carry the header fields of the first request, even to
    /// hosts that are not [allowed](Builder::allowed_hosts).
    pub fn wrap(self, inner: reqwest::Client) -> Client {
        let settings = InnerSettings::of(&inner);
        Client { inner, instrumentation: self.resolve(), settings, max_redirects: None }
    }
}

impl ClientMiddleware for Client {}

impl From<Instrumentation> for Client {
    /// # Panics
    ///
    /// If [`reqwest::Client::new`] does.
    fn from(instrumentation: Instrumentation) -> Self {
        let built = Self::build(reqwest::Client::builder(), instrumentation);
        built.expect("a TLS backend that can be initialised")
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("inner", &self.inner).finish_non_exhaustive()
    }
}
