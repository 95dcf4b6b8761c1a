//! Export of ended spans and of metrics to a backend.

#[cfg(feature = "otlp")]
mod cardinality_warning;
pub(crate) mod console;
mod counts;
mod health;
#[cfg(feature = "jaeger")]
pub(crate) mod jaeger;
pub(crate) mod loss;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
pub(crate) mod pipeline;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod queue;
#[cfg(any(feature = "otlp", feature = "prometheus"))]
pub(crate) mod self_metrics;
#[cfg(any(feature = "otlp", feature = "jaeger"))]
mod shutdown;
pub(crate) mod state;
#[cfg(any(feature = "otlp", feature = "jaeger"))]
mod transport;

pub(crate) use self::health::QUIET_PERIOD;
