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
}

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

impl Default for ClientTracing {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Instrumentation> for ClientTracing {
    fn from(instrumentation: Instrumentation) -> Self {
        Self { instrumentation }
    }
}

impl ClientMiddleware for ClientTracing {}

impl<S> Transform<S, ConnectRequest> for ClientTracing
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError>,
{
    type Transform = ClientService<S>;

    fn new_transform(self, service: S) -> Self::Transform {
        ClientService::new(service, self.instrumentation)
    }
}
