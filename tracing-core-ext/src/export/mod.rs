//! Export of ended spans and of metrics to a backend.

#[cfg(feature = "otlp")]
mod cardinality_warning;
pub(crate) mod console;
mod counting_exporter;
#[allow(dead_code, reason = "the pipelines still use the SDK's batch processor")]
mod counts;
pub(crate) mod delivery;
#[allow(dead_code, reason = "the pipelines still use the SDK's batch processor")]
mod health;
#[cfg(feature = "jaeger")]
pub(crate) mod jaeger;
pub(crate) mod loss;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
mod outage;
pub(crate) mod pipeline;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[allow(dead_code, unused_imports, reason = "the pipelines still use the SDK's batch processor")]
mod queue;
#[cfg(any(feature = "otlp", feature = "prometheus"))]
pub(crate) mod self_metrics;
#[cfg(any(feature = "otlp", feature = "jaeger"))]
mod shutdown;
mod tally;
#[cfg(any(feature = "otlp", feature = "jaeger"))]
mod transport;
