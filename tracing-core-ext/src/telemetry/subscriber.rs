use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use super::filter;
use super::log::LogLines;

/// Log lines and OpenTelemetry spans, each with a filter of its own: `RUST_LOG=warn` hides no span.
pub(super) fn subscriber(
    provider: &SdkTracerProvider,
    lines: LogLines,
    log_filter: EnvFilter,
    span_level: LevelFilter,
) -> Dispatch {
    let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
    let subscriber = tracing_subscriber::registry()
        .with(lines.layer().with_filter(log_filter))
        .with(otel_layer(tracer).with_filter(filter::exported(span_level)));
    Dispatch::new(subscriber)
}

pub(super) fn propagator() -> impl TextMapPropagator + Send + Sync + 'static {
    TraceContextPropagator::new()
}

fn otel_layer<S>(tracer: SdkTracer) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
}
