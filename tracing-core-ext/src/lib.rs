//! The shared heart of distributed tracing for Rust web services.

pub mod propagation;
#[cfg(feature = "telemetry")]
pub mod telemetry;
