use async_trait::async_trait;
use http::Extensions;
use opentelemetry::Context;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::{
    errors::SendError,
    extensions::{ResendCount, UrlTemplate},
    inner_settings::InnerSettings,
    send::{RequestOptions, send},
};
use crate::exchange::{Builder, ClientMiddleware, ErrorType, Instrumentation};

/// Instruments a client of [`reqwest_middleware`], as a [`Client`](crate::client::Client) instruments one of reqwest.
///
/// It makes a span for each request that passes through it. Add it *after* a middleware that retries, so that it is
/// inside: then every attempt has a span, with its `http.request.resend_count`. Outside, all attempts are one span. A
/// [`UrlTemplate`] is an extension of the request.
///
/// The inner client follows redirects. They are part of the span, and the trace context goes to all their hosts,
/// [allowed](Builder::allowed_hosts) or not. To avoid that, disable the redirects of the client:
///
/// ```no_run
/// # async fn run() -> reqwest_middleware::Result<()> {
/// use reqwest::redirect::Policy;
/// use reqwest_middleware::ClientBuilder;
/// use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
/// use tracing_core_ext::client::{TracingMiddleware, UrlTemplate};
///
/// let backoff = ExponentialBackoff::builder().build_with_max_retries(2);
/// let inner = reqwest::Client::builder().redirect(Policy::none()).build()?;
/// let client = ClientBuilder::new(inner)
///     .with(RetryTransientMiddleware::new_with_policy(backoff))
///     .with(TracingMiddleware::new())
///     .build();
/// let request = client.get("http://inventory.example/stock/7");
/// let stock = request.with_extension(UrlTemplate::new("/stock/{id}")).send().await?;
/// # drop(stock);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TracingMiddleware {
    instrumentation: Instrumentation,
}

impl TracingMiddleware {
    /// Creates a middleware with the tracer provider and propagator that are installed now.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder with the options of a [`Client`](crate::client::Client).
    ///
    /// ```
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    /// use tracing_core_ext::client::TracingMiddleware;
    ///
    /// let provider = SdkTracerProvider::builder().build();
    /// let middleware = TracingMiddleware::builder().tracer_provider(&provider).build();
    /// # drop(middleware);
    /// ```
    pub fn builder() -> Builder<Self> {
        super::builder()
    }
}

impl Default for TracingMiddleware {
    fn default() -> Self {
        Self::new()
    }
}

impl ClientMiddleware for TracingMiddleware {}

impl From<Instrumentation> for TracingMiddleware {
    fn from(instrumentation: Instrumentation) -> Self {
        Self { instrumentation }
    }
}

#[async_trait]
impl Middleware for TracingMiddleware {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let options = next_options(extensions);
        let execute = |request| next.run(request, extensions);
        let parent = Context::current();
        let response = send(&self.instrumentation, &parent, &options, request, execute).await?;
        Ok(response.into_response())
    }
}

/// Returns the options of the next attempt. All attempts at a request share its extensions.
fn next_options(extensions: &mut Extensions) -> RequestOptions {
    let resend_count = extensions.get().copied().unwrap_or_default();
    extensions.insert(ResendCount::next(resend_count));
    RequestOptions {
        template: extensions.get::<UrlTemplate>().cloned(),
        resend_count,
        decompresses: InnerSettings::UNKNOWN.decompresses,
    }
}

impl SendError for Error {
    /// Returns the type of the last error, which a middleware that retries has wrapped.
    fn error_type(&self) -> ErrorType {
        match self {
            Self::Reqwest(error) => error.error_type(),
            Self::Middleware(error) => {
                let cause = error.chain().find_map(|cause| cause.downcast_ref::<Self>());
                cause.map_or(ErrorType::Request, Self::error_type)
            }
        }
    }
}
