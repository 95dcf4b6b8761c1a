//! What is counted of every exchange, by the semantic conventions for HTTP metrics (1.44).
//!
//! <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>
//!
//! An exchange that is measured holds a [`RequestMetrics`], one that is not holds nothing. It counts as in flight from `start`
//! on, and is recorded once, by `record`.

mod active_requests;
#[cfg(feature = "bound-instruments")]
mod bound;
mod duration;
pub(crate) mod instruments;
pub(crate) mod request;

/// Whether instruments of a meter provider of this type can be bound to labels, as the SDK's can. Those of others may drop what
/// is recorded so, without a word.
pub(crate) fn supports_binding(provider: &str) -> bool {
    #[cfg(feature = "bound-instruments")]
    return provider == std::any::type_name::<opentelemetry_sdk::metrics::SdkMeterProvider>();
    #[cfg(not(feature = "bound-instruments"))]
    {
        let _ = provider;
        false
    }
}
