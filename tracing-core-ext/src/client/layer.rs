use tower_layer::Layer;

use super::service::ClientService;
use crate::exchange::{Builder, ClientMiddleware, Instrumentation};

/// Layer that records every request of a client as one client span, and propagates the context.
///
/// The client is any Tower service from [`http::Request`] to [`http::Response`].
///
/// ```no_run
/// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
/// use tower_layer::Layer;
/// use tower_service::Service;
/// use tracing_core_ext::client::ClientLayer;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder(TokioExecutor::new()).build_http::<String>();
/// let mut client = ClientLayer::new().layer(client);
/// let request = http::Request::get("http://inventory.example/stock/7").body(String::new())?;
/// let response = client.call(request).await?;
/// # drop(response);
/// # Ok(())
/// # }
/// ```
///
/// The parent of the span is the context that is current when `call` is called. Place the layer inside a service that
/// retries, so that each attempt gets a span. A [`UrlTemplate`](crate::client::UrlTemplate) and a
/// [`ResendCount`](crate::client::ResendCount) in the extensions of a request are recorded.
///
/// Redirects that an inner service follows by itself are part of the span, and the trace context goes to all their
/// hosts, [allowed](Builder::allowed_hosts) or not. To avoid that, place the service that follows redirects outside the
/// layer.
///
/// An error of the client is `timeout` if it is one of a time limit (`std::io`, `tower`, `tokio`, `tonic`), else
/// `request_error`, because a Tower service has errors of any type. A request whose URI has no authority is described
/// by its `Host` header. The size of a request body is recorded with [`body_sizes`](Builder::body_sizes) if the body
/// reports its length in advance.
///
/// # gRPC
///
/// A request of tonic becomes a span named by the service and the method that it calls, with `rpc.system.name`,
/// `rpc.method` and `rpc.response.status_code`; every status but `OK` is an error. Place the layer around the channel.
/// The channel sets scheme and host of a request inside the layer, so pass them to the client too, or `server.address`
/// is missing. The page [`first_service`](crate::manual::first_service) of the manual has an example.
#[derive(Clone, Debug)]
pub struct ClientLayer {
    instrumentation: Instrumentation,
}

impl ClientLayer {
    /// Creates a layer with the tracer provider and propagator that are installed now, so install them first.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for a layer with other options.
    ///
    /// ```
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    /// use tracing_core_ext::client::ClientLayer;
    ///
    /// let provider = SdkTracerProvider::builder().build();
    /// let layer = ClientLayer::builder().tracer_provider(&provider).build();
    /// # drop(layer);
    /// ```
    pub fn builder() -> Builder<Self> {
        super::builder()
    }
}

impl Default for ClientLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Instrumentation> for ClientLayer {
    fn from(instrumentation: Instrumentation) -> Self {
        Self { instrumentation }
    }
}

impl ClientMiddleware for ClientLayer {}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientService::new(inner, self.instrumentation.clone())
    }
}
