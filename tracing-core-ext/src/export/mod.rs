//! Export of ended spans and of metrics to a backend.

#[cfg(feature = "otlp")]
mod cardinality_warning;
pub(crate) mod console;
mod counting_exporter;
mod counts;
pub(crate) mod delivery;
mod health;
#[cfg(feature = "jaeger")]
pub(crate) mod jaeger;
pub(crate) mod loss;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
pub(crate) mod pipeline;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(any(feature = "otlp", feature = "prometheus"))]
pub(crate) mod self_metrics;
#[cfg(any(feature = "otlp", feature = "jaeger"))]
mod shutdown;
#[cfg(any(feature = "otlp", feature = "jaeger"))]
mod transport;
