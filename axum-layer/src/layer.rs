use tower_layer::Layer;
use tracing_core_ext::exchange::{Builder, Instrumentation, ServerMiddleware};

use crate::TracingService;

/// Layer that makes every request one server span, connected to its caller and to the calls it makes.
///
/// ```
/// use axum::{Router, routing::get};
/// use axum_layer::TracingLayer;
///
/// let app: Router = Router::new()
///     .route("/items/{id}", get(|| async { "an item" }))
///     .layer(TracingLayer::new());
/// ```
///
/// Put it on with [`Router::layer`](axum::Router::layer) after the routes: it sees the route that matched, and the span
/// is named by it. Outside of a router, have a [`RouteLayer`](crate::RouteLayer) inside.
///
/// A layer below another one adds nothing: there is one span a request.
#[derive(Clone, Debug)]
pub struct TracingLayer {
    instrumentation: Instrumentation,
}

impl TracingLayer {
    /// A layer with the tracer provider and propagator that are installed now: install them first.
    ///
    /// That is what `tracing_core_ext::telemetry` has installed, else what `opentelemetry::global` has. Where no
    /// propagator is installed it is W3C Trace Context and Baggage.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A layer with its own options.
    ///
    /// ```
    /// use axum_layer::TracingLayer;
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
