//! What is counted of every exchange, by the semantic conventions for HTTP metrics (1.44).
//!
//! <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>
//!
//! An exchange that is measured holds a [`Measured`], one that is not holds nothing. It counts as in flight from `start`
//! on, and is recorded once, by `record`.

mod active;
#[cfg(feature = "_bound")]
mod bound;
mod durations;
mod instruments;
mod labels;
mod measured;

pub(crate) use self::{
    instruments::Metrics,
    labels::{EndLabels, RequestLabels},
    measured::{Measured, Measurement},
};

/// Whether a meter provider is the SDK's, whose instruments can be bound to labels. Those of others may drop what is recorded
/// so, without a word.
pub(crate) fn is_sdk<P: ?Sized>() -> bool {
    #[cfg(feature = "_bound")]
    return std::any::type_name::<P>()
        == std::any::type_name::<opentelemetry_sdk::metrics::SdkMeterProvider>();
    #[cfg(not(feature = "_bound"))]
    false
}
