//! What the examples have in common.

pub mod collector;
pub mod otlp_receiver;
pub mod processes;
