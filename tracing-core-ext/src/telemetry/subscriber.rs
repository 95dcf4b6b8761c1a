use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
use tracing_subscriber::{EnvFilter, Layer, filter::LevelFilter, layer::SubscriberExt};

use super::{filter, log::LogLines};
use crate::exchange;

/// Log lines and OpenTelemetry spans, each with a filter of its own: `RUST_LOG=warn` hides no span.
///
/// `exported` are the provider and the level that make spans of `tracing` ones; none where telemetry is disabled.
pub(super) fn subscriber(
    exported: Option<(&SdkTracerProvider, LevelFilter)>,
    lines: LogLines,
    log_filter: EnvFilter,
) -> Dispatch {
    let spans = exported.map(|(provider, level)| {
        let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
        exchange::layer(tracer).with_filter(filter::exported(level))
    });
    let subscriber =
        tracing_subscriber::registry().with(lines.layer().with_filter(log_filter)).with(spans);
    Dispatch::new(subscriber)
}
