//! Metrics of every exchange, by the semantic conventions for HTTP metrics (1.44).
//!
//! <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>
//!
//! An exchange that is measured has a [`RequestMetrics`]. It counts as in flight from `start` on, and is recorded once,
//! by `record`.

mod active_requests;
mod duration;
pub(crate) mod exemplars;
pub(crate) mod instruments;
pub(crate) mod request;
