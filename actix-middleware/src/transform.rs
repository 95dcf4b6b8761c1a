use std::future::{Ready, ready};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};
use tracing_core_ext::exchange::{Builder, Instrumentation, ServerMiddleware};

use crate::{ExchangeBody, TracingService};

/// Middleware that creates one server span for each request. The parent is the caller's span, and
/// client spans of calls that the handler makes are its children.
///
/// Below another middleware of this type it creates no second span.
///
/// ```
/// use tracing_actix_middleware::Tracing;
/// use actix_web::{App, web};
///
/// let app = App::new()
///     .route("/items/{id}", web::get().to(|| async { "an item" }))
///     .wrap(Tracing::new());
/// # drop(app);
/// ```
#[derive(Clone, Debug)]
pub struct Tracing {
    instrumentation: Instrumentation,
}

impl Tracing {
    /// Creates a middleware with the tracer provider and propagator that are installed at this
    /// time. Install them first.
    ///
    /// These are the ones that `tracing_core_ext::telemetry` has installed, or else the ones of
    /// `opentelemetry::global`. If no propagator is installed, W3C Trace Context and Baggage are
    /// used.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for a middleware with custom options. Build it once and clone it into the
    /// application factory.
    ///
    /// ```
    /// use tracing_actix_middleware::Tracing;
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    /// use tracing_core_ext::propagation::W3cPropagator;
    ///
    /// let provider = SdkTracerProvider::builder().build();
    /// let middleware = Tracing::builder()
    ///     .tracer_provider(&provider)
    ///     .propagator(W3cPropagator::new().without_baggage())
    ///     .build();
    /// # drop(middleware);
    /// ```
    pub fn builder() -> Builder<Self> {
        Builder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
    }
}

impl Default for Tracing {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Instrumentation> for Tracing {
    fn from(instrumentation: Instrumentation) -> Self {
        Self { instrumentation }
    }
}

impl ServerMiddleware for Tracing {}

impl<S, B> Transform<S, ServiceRequest> for Tracing
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<ExchangeBody<B>>;
    type Error = Error;
    type Transform = TracingService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(TracingService::new(service, self.instrumentation.clone())))
    }
}
