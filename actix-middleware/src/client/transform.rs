use std::time::Duration;

use actix_web::dev::Service;
use awc::{ConnectRequest, ConnectResponse, error::SendRequestError, middleware::Transform};
use tracing_core_ext::exchange::{Builder, ClientMiddleware, Instrumentation};

use super::ClientService;

/// Middleware that creates one client span for each request of a client and injects the trace
/// context.
///
/// ```
/// use tracing_actix_middleware::client::ClientTracing;
///
/// let client = awc::Client::builder().wrap(ClientTracing::new()).finish();
/// # drop(client);
/// ```
#[derive(Clone, Debug)]
pub struct ClientTracing {
    instrumentation: Instrumentation,
    client_timeout: Option<Duration>,
}

/// Default limit of `awc::ClientBuilder::timeout`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

impl ClientTracing {
    /// Creates a middleware with the tracer provider and propagator that are installed at this
    /// time. Install them first.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for a middleware with custom options. Build it once and clone it for the
    /// client of each worker.
    ///
    /// ```
    /// use tracing_actix_middleware::client::ClientTracing;
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    ///
    /// let provider = SdkTracerProvider::builder().build();
    /// let tracing = ClientTracing::builder().tracer_provider(&provider).build();
    /// let client = awc::Client::builder().wrap(tracing).finish();
    /// # drop(client);
    /// ```
    pub fn builder() -> Builder<Self> {
        Builder::new(concat!(env!("CARGO_PKG_NAME"), "::client"), env!("CARGO_PKG_VERSION"))
    }
}

impl ClientTracing {
    /// Sets the time limit of the awc client, which is the value of `awc::ClientBuilder::timeout`.
    /// By default it is five seconds, as in awc. `None` is for a client without a limit.
    ///
    /// awc enforces the limit outside its middleware by dropping the call. A call that is dropped
    /// after this time, and at most a fifth of it later, is recorded as `timeout`. For limits of
    /// single requests, set it to `None` and see
    /// [`dropped_calls_are_errors`](Builder::dropped_calls_are_errors).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tracing_actix_middleware::client::ClientTracing;
    ///
    /// let limit = Duration::from_secs(1);
    /// let tracing = ClientTracing::new().client_timeout(Some(limit));
    /// let client = awc::Client::builder().timeout(limit).wrap(tracing).finish();
    /// # drop(client);
    /// ```
    pub const fn client_timeout(mut self, limit: Option<Duration>) -> Self {
        self.client_timeout = limit;
        self
    }
}

impl Default for ClientTracing {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Instrumentation> for ClientTracing {
    fn from(instrumentation: Instrumentation) -> Self {
        Self { instrumentation, client_timeout: Some(DEFAULT_TIMEOUT) }
    }
}

impl ClientMiddleware for ClientTracing {}

impl<S> Transform<S, ConnectRequest> for ClientTracing
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError>,
{
    type Transform = ClientService<S>;

    fn new_transform(self, service: S) -> Self::Transform {
        ClientService::new(service, self.instrumentation, self.client_timeout)
    }
}
