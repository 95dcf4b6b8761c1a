use std::time::Duration;

use actix_web::dev::Service;
use awc::{ConnectRequest, ConnectResponse, error::SendRequestError, middleware::Transform};
use tracing_core_ext::exchange::{Builder, ClientMiddleware, Instrumentation};

use super::ClientService;

/// Middleware that makes every request of a client one client span, and sends the trace along.
///
/// ```
/// use actix_middleware::client::ClientTracing;
///
/// let client = awc::Client::builder().wrap(ClientTracing::new()).finish();
/// # drop(client);
/// ```
#[derive(Clone, Debug)]
pub struct ClientTracing {
    instrumentation: Instrumentation,
    client_timeout: Option<Duration>,
}

/// The limit of `awc::ClientBuilder::timeout` by default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

impl ClientTracing {
    /// A middleware with the tracer provider and propagator that are installed now: install them first.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A middleware with its own options. Build it once and clone it for the client of each worker.
    ///
    /// ```
    /// use actix_middleware::client::ClientTracing;
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
    /// Sets the time limit of the awc client, the one of `awc::ClientBuilder::timeout`. By default it is five seconds, as in
    /// awc. `None` is for a client without a limit.
    ///
    /// awc applies the limit outside of its middleware, where the call is only dropped. A call that is dropped when it has
    /// lasted this long, and no more than a fifth longer, is recorded as `timeout`. For a limit of single requests, set it to
    /// `None` and see [`dropped_calls_are_errors`](Builder::dropped_calls_are_errors).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use actix_middleware::client::ClientTracing;
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
