use std::sync::Arc;

use opentelemetry::{
    Context, InstrumentationScope,
    global::{BoxedTracer, ObjectSafeTracer},
    trace::{self, Tracer},
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_core_ext::{
    exchange::{Builder, Instrumentation},
    trace::TracerProvider,
};

/// Tracer provider of a test: that of the crate under test, or that of the SDK, which the crate
/// uses only through OpenTelemetry's API.
#[derive(Clone, Debug)]
pub enum Provider {
    /// Provider of `tracing_core_ext::trace`.
    Own(TracerProvider),
    /// Provider of the SDK.
    Sdk(SdkTracerProvider),
}

impl Provider {
    /// Passes the provider itself to a builder, which depends on its type.
    pub fn configure<T: From<Instrumentation>>(&self, builder: Builder<T>) -> Builder<T> {
        match self {
            Self::Own(provider) => builder.tracer_provider(provider),
            Self::Sdk(provider) => builder.tracer_provider(provider),
        }
    }
}

impl trace::TracerProvider for Provider {
    type Tracer = SharedTracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> SharedTracer {
        SharedTracer(match self {
            Self::Own(provider) => boxed(trace::TracerProvider::tracer_with_scope(provider, scope)),
            Self::Sdk(provider) => boxed(provider.tracer_with_scope(scope)),
        })
    }
}

impl From<TracerProvider> for Provider {
    fn from(provider: TracerProvider) -> Self {
        Self::Own(provider)
    }
}

impl From<SdkTracerProvider> for Provider {
    fn from(provider: SdkTracerProvider) -> Self {
        Self::Sdk(provider)
    }
}

/// Tracer of either provider.
#[derive(Clone, Debug)]
pub struct SharedTracer(Arc<BoxedTracer>);

fn boxed<T>(tracer: T) -> Arc<BoxedTracer>
where
    T: ObjectSafeTracer + Send + Sync + 'static,
{
    Arc::new(BoxedTracer::new(Box::new(tracer)))
}

impl Tracer for SharedTracer {
    type Span = opentelemetry::global::BoxedSpan;

    fn build_with_context(&self, builder: trace::SpanBuilder, parent: &Context) -> Self::Span {
        self.0.build_with_context(builder, parent)
    }
}
