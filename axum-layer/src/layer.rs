use tower_layer::Layer;
use tracing_core_ext::exchange::{Builder, Instrumentation, ServerMiddleware};

use crate::TracingService;

/// Layer that creates one server span for each request. The parent is the caller's span, and client
/// spans of calls that the handler makes are its children.
///
/// ```
/// use axum::{Router, routing::get};
/// use tracing_axum_layer::TracingLayer;
///
/// let app: Router = Router::new()
///     .route("/items/{id}", get(|| async { "an item" }))
///     .layer(TracingLayer::new());
/// ```
///
/// Add it with [`Router::layer`](axum::Router::layer) after the routes, so that it reads the
/// matched route and names the span by it. Around a router, use a [`RouteLayer`](crate::RouteLayer)
/// inside the router.
///
/// Below another layer of this type it creates no second span.
#[derive(Clone, Debug)]
pub struct TracingLayer {
    instrumentation: Instrumentation,
}

impl TracingLayer {
    /// Creates a layer with the tracer provider and propagator that are installed at this time.
    /// Install them first.
    ///
    /// These are the ones that `tracing_core_ext::telemetry` has installed, or else the ones of
    /// `opentelemetry::global`. If no propagator is installed, W3C Trace Context and Baggage are
    /// used.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for a layer with custom options.
    ///
    /// ```
    /// use tracing_axum_layer::TracingLayer;
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    /// use tracing_core_ext::propagation::W3cPropagator;
    ///
    /// let provider = SdkTracerProvider::builder().build();
    /// let layer = TracingLayer::builder()
    ///     .tracer_provider(&provider)
    ///     .propagator(W3cPropagator::new().without_baggage())
    ///     .build();
    /// # drop(layer);
    /// ```
    pub fn builder() -> Builder<Self> {
        Builder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
    }
}

impl Default for TracingLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Instrumentation> for TracingLayer {
    fn from(instrumentation: Instrumentation) -> Self {
        Self { instrumentation }
    }
}

impl ServerMiddleware for TracingLayer {}

impl<S> Layer<S> for TracingLayer {
    type Service = TracingService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TracingService::new(inner, self.instrumentation.clone())
    }
}
