//! Connection to the crate `tracing`: its spans and log lines beside those of OpenTelemetry.

mod deferred_scopes;
pub(crate) mod layer;
#[cfg(feature = "telemetry")]
pub(crate) mod log_export;
#[cfg(feature = "telemetry")]
pub(crate) mod log_lines;
pub(crate) mod request_attributes;
pub(crate) mod request_span;
pub(crate) mod request_subscriber;
pub(crate) mod span_filter;
pub(crate) mod tracing_span;
