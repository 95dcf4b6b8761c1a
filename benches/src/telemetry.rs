use std::{cell::Cell, time::Duration};

use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{SdkMeterProvider, Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::{Dispatch, level_filters::LevelFilter};
use tracing_core_ext::trace::{Sampler, TracerProvider};
use tracing_subscriber::{Layer, filter::filter_fn, layer::SubscriberExt};

thread_local! {
    static ENDED: Cell<usize> = const { Cell::new(0) };
}

/// Number of recorded spans that have ended on this thread. It shows that a subject records them.
pub fn ended_spans() -> usize {
    ENDED.get()
}

/// Defines the same provider for every version of OpenTelemetry.
macro_rules! version {
    ($name:ident, $api:ident, $sdk:ident, $bridge:ident) => {
        pub(crate) mod $name {
            use std::time::Duration;

            use tracing::{Dispatch, level_filters::LevelFilter};
            use tracing_subscriber::layer::SubscriberExt;
            use $api::{Context, trace::TracerProvider};
            use $sdk::{
                error::OTelSdkResult,
                trace::{Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor},
            };

            /// Returns a provider that drops its spans.
            pub(crate) fn provider(is_sampled: bool) -> SdkTracerProvider {
                provider_with(is_sampled, Discard)
            }

            pub(crate) fn provider_with(
                is_sampled: bool,
                processor: impl SpanProcessor + 'static,
            ) -> SdkTracerProvider {
                let sampler = if is_sampled { Sampler::AlwaysOn } else { Sampler::AlwaysOff };
                SdkTracerProvider::builder()
                    .with_sampler(sampler)
                    .with_span_processor(processor)
                    .build()
            }

            /// Returns a subscriber with the unchanged layer, at the level that its users have to
            /// enable.
            pub(crate) fn subscriber(provider: &SdkTracerProvider, level: LevelFilter) -> Dispatch {
                let layer = $bridge::layer().with_tracer(tracer(provider));
                tracing_subscriber::registry().with(layer).with(level).into()
            }

            pub(crate) fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
                provider.tracer("benches")
            }

            #[derive(Debug)]
            pub(crate) struct Discard;

            impl SpanProcessor for Discard {
                fn on_start(&self, _: &mut Span, _: &Context) {}

                fn on_end(&self, span: SpanData) {
                    drop(span);
                    super::ENDED.set(super::ENDED.get() + 1);
                }

                fn force_flush(&self) -> OTelSdkResult {
                    Ok(())
                }

                fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
                    Ok(())
                }
            }
        }
    };
}

version!(current, opentelemetry, opentelemetry_sdk, tracing_opentelemetry);
version!(previous, opentelemetry_0_32, opentelemetry_sdk_0_32, tracing_opentelemetry_0_33);

/// Returns the provider of this workspace, which drops its spans.
pub(crate) fn provider_of_ours(is_sampled: bool) -> TracerProvider {
    let sampler = if is_sampled { Sampler::always_on() } else { Sampler::always_off() };
    provider_sampled_by(sampler)
}

/// Returns a provider of this workspace with this sampler.
pub(crate) fn provider_sampled_by(sampler: Sampler) -> TracerProvider {
    TracerProvider::builder().with_sampler(sampler).with_span_processor(current::Discard).build()
}

pub(crate) fn install_tracers(is_sampled: bool) -> SdkTracerProvider {
    let provider = current::provider(is_sampled);
    global::set_tracer_provider(provider.clone());
    global::set_text_map_propagator(TraceContextPropagator::new());
    provider
}

/// Installs a meter provider whose metrics are not exported. It lives as long as the process,
/// because a provider that was shut down records nothing.
pub(crate) fn install_meters() -> SdkMeterProvider {
    let provider = SdkMeterProvider::builder().with_periodic_exporter(Discard).build();
    global::set_meter_provider(provider.clone());
    provider
}

/// Installs the propagator and returns the subscriber for middleware that uses `tracing` and the
/// previous version.
pub(crate) fn install_previous(is_sampled: bool) -> Dispatch {
    use opentelemetry_sdk_0_32::propagation::TraceContextPropagator;

    opentelemetry_0_32::global::set_text_map_propagator(TraceContextPropagator::new());
    previous::subscriber(&previous::provider(is_sampled), LevelFilter::INFO)
}

/// Returns a subscriber with the layer of this workspace and its filter, without log lines.
pub(crate) fn subscriber_of_ours(provider: &TracerProvider) -> Dispatch {
    let exported = filter_fn(|metadata| *metadata.level() <= LevelFilter::INFO)
        .with_max_level_hint(LevelFilter::INFO);
    let layer = tracing_core_ext::exchange::layer(provider.tracer("benches")).with_filter(exported);
    tracing_subscriber::registry().with(layer).into()
}

pub(crate) fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    current::tracer(provider)
}

struct Discard;

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
