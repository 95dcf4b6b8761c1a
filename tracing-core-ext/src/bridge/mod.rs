//! The crate `tracing`: its spans and log lines beside those of OpenTelemetry.

pub(crate) mod layer;
#[cfg(feature = "telemetry")]
pub(crate) mod log_lines;
pub(crate) mod span_filter;
pub(crate) mod tracing_span;
