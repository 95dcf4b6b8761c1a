//! Text from others: encoded, too long, or not printable.

pub(crate) mod percent;
pub(crate) mod truncate;
#[cfg(feature = "telemetry")]
pub(crate) mod unprintable;
