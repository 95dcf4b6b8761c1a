//! Helpers that every other module uses.

#[cfg(feature = "telemetry")]
pub(crate) mod error;
pub(crate) mod parse_cache;
#[cfg(feature = "telemetry")]
pub(crate) mod redacted_url;
#[cfg(feature = "telemetry")]
pub(crate) mod self_log;
