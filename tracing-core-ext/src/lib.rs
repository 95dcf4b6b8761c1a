//! The shared heart of distributed tracing for Rust web services.

#[cfg(feature = "reqwest")]
pub mod client;
pub mod exchange;
pub mod http;
pub mod propagation;
#[cfg(feature = "telemetry")]
pub mod telemetry;
