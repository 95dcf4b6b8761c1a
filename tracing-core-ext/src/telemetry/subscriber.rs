use opentelemetry::InstrumentationScope;
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, layer::SubscriberExt, registry::LookupSpan,
};

use super::{log_format::LogLayerConfig, telemetry::Telemetry};
use crate::{bridge::span_filter, exchange, trace::TracerProvider};

/// Log lines and OpenTelemetry spans, each with a filter of its own: `RUST_LOG=warn` hides no span.
///
/// `exported` are the provider and the level that make spans of `tracing` ones; none where telemetry is disabled.
pub(crate) fn subscriber(
    exported: Option<(&TracerProvider, LevelFilter)>,
    lines: LogLayerConfig,
    log_filter: EnvFilter,
) -> Dispatch {
    let spans = exported.map(|(provider, level)| spans(provider, level));
    let subscriber =
        tracing_subscriber::registry().with(lines.layer().with_filter(log_filter)).with(spans);
    Dispatch::new(subscriber)
}

impl Telemetry {
    /// What a `tracing` subscriber of your own needs for its spans to be exported: [`exchange::layer`] for spans up to
    /// `level`, less those of the crates that exporters send with, which would trace themselves.
    ///
    /// `examples/src/bin/own_subscriber.rs` is a service that is set up so. Log lines of such a subscriber carry ids by
    /// [`WithTraceIds`](crate::telemetry::WithTraceIds). [`TelemetryBuilder::build`](crate::telemetry::TelemetryBuilder::build), unlike
    /// `install`, leaves it to you what is global.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    /// use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _) = Telemetry::builder().service_name("checkout").build()?;
    /// let subscriber = tracing_subscriber::registry().with(telemetry.layer(LevelFilter::INFO));
    /// # drop(subscriber);
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn layer<S>(&self, level: LevelFilter) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        spans(self.tracer_provider(), level)
    }
}

fn spans<S>(provider: &TracerProvider, level: LevelFilter) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let tracer =
        provider.tracer_with_scope(InstrumentationScope::builder(env!("CARGO_PKG_NAME")).build());
    exchange::layer(tracer).with_filter(span_filter::exported(level))
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::InMemorySpanExporter;

    use super::*;

    #[test]
    fn a_layer_for_ones_own_subscriber_leaves_out_the_transport_and_what_is_too_fine() {
        let exporter = InMemorySpanExporter::default();
        let (telemetry, _) = Telemetry::builder()
            .variables(|_| None)
            .service_name("shop")
            .exporter(exporter.clone())
            .build()
            .unwrap();
        let subscriber = tracing_subscriber::registry().with(telemetry.layer(LevelFilter::DEBUG));
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug_span!("ours").in_scope(|| {
                tracing::info_span!(target: "hyper::client", "theirs").in_scope(|| {
                    tracing::trace_span!("fine").in_scope(|| tracing::info_span!("inner"))
                })
            });
        });
        telemetry.tracer_provider().force_flush().unwrap();
        let names: Vec<_> = exporter.get_finished_spans().unwrap();
        let names: Vec<_> = names.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["inner", "ours"]);
        telemetry.shutdown().unwrap();
    }
}
