use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
use tracing_subscriber::{EnvFilter, Layer, filter::LevelFilter, layer::SubscriberExt};

use super::{filter, log::LogLines};
use crate::exchange;

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
        .with(exchange::layer(tracer).with_filter(filter::exported(span_level)));
    Dispatch::new(subscriber)
}
