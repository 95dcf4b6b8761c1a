use std::time::Duration;

use opentelemetry::{Context, global, trace::TracerProvider};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{SdkMeterProvider, Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    propagation::TraceContextPropagator,
    trace::{
        Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor, TracerProviderBuilder,
    },
};
use tracing::{Dispatch, level_filters::LevelFilter};
use tracing_core_ext::exchange::EndOnly;
use tracing_subscriber::layer::SubscriberExt;

use crate::Sampling;

/// A provider whose spans go nowhere.
pub(crate) fn provider(sampling: Sampling) -> SdkTracerProvider {
    builder(sampling).with_span_processor(Discard).build()
}

/// The same as `Telemetry` builds one: nobody is told that a span starts.
pub(crate) fn provider_of_ours(sampling: Sampling) -> SdkTracerProvider {
    builder(sampling).with_span_processor(EndOnly::new(Discard)).build()
}

fn builder(sampling: Sampling) -> TracerProviderBuilder {
    SdkTracerProvider::builder().with_sampler(match sampling {
        Sampling::Sampled => Sampler::AlwaysOn,
        Sampling::Unsampled => Sampler::AlwaysOff,
    })
}

/// A provider whose metrics go nowhere. It lives as long as the process, for what is shut down records nothing.
pub(crate) fn meter_provider() -> SdkMeterProvider {
    let provider = SdkMeterProvider::builder().with_periodic_exporter(Discard).build();
    std::mem::forget(provider.clone());
    provider
}

/// For middleware that takes nothing else.
pub(crate) fn install_globally(provider: &SdkTracerProvider) {
    global::set_tracer_provider(provider.clone());
    global::set_text_map_propagator(TraceContextPropagator::new());
}

/// A subscriber with our layer and nothing else.
pub(crate) fn subscriber_of_ours(provider: &SdkTracerProvider) -> Dispatch {
    let layer = tracing_core_ext::exchange::layer(tracer(provider));
    tracing_subscriber::registry().with(layer).with(LevelFilter::INFO).into()
}

/// A subscriber with the layer as it comes, at the level its users have to allow.
pub(crate) fn plain_subscriber(provider: &SdkTracerProvider) -> Dispatch {
    let layer = tracing_opentelemetry::layer().with_tracer(tracer(provider));
    tracing_subscriber::registry().with(layer).with(LevelFilter::TRACE).into()
}

pub(crate) fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    provider.tracer("benches")
}

#[derive(Debug)]
struct Discard;

impl SpanProcessor for Discard {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        drop(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl PushMetricExporter for Discard {
    async fn export(&self, _: &ResourceMetrics) -> OTelSdkResult {
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}
