//! The crate `tracing`: its spans and log lines beside those of OpenTelemetry.

pub(crate) mod layer;
#[cfg(feature = "telemetry")]
pub(crate) mod lazy_fields;
#[cfg(feature = "telemetry")]
pub(crate) mod line_span;
#[cfg(feature = "telemetry")]
mod line_suffix;
#[cfg(feature = "telemetry")]
pub(crate) mod log_records;
pub(crate) mod span_filter;
pub(crate) mod tracing_span;
#[cfg(feature = "telemetry")]
pub(crate) mod with_trace_ids;
