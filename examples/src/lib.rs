//! Common code of the examples.

pub mod collector;
pub mod otlp_receiver;
pub mod processes;
