//! Export of ended spans and of metrics to a backend.

pub(crate) mod by_name;
pub(crate) mod console;
pub(crate) mod delivery;
#[cfg(feature = "jaeger")]
pub(crate) mod jaeger;
pub(crate) mod metrics;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
#[cfg(feature = "panel")]
pub mod panel;
pub(crate) mod pipeline;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod queue;
#[cfg(any(feature = "otlp", feature = "jaeger"))]
pub(crate) mod transport;
