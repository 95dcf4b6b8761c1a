//! Helpers without dependencies on other modules.

mod contain;
#[cfg(feature = "telemetry")]
pub(crate) mod deferred_log;
#[cfg(feature = "telemetry")]
pub(crate) mod error;
pub(crate) mod parse_cache;
#[cfg(feature = "telemetry")]
pub(crate) mod redacted_url;
#[cfg(feature = "telemetry")]
pub(crate) mod self_log;
pub(crate) mod setup_fault;
pub(crate) mod truncate;

pub(crate) use self::contain::contain;
#[cfg(feature = "telemetry")]
pub(crate) use self::contain::panic_message;
