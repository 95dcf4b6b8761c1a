//! Literal implementations of the grammars of header fields and of responses.

pub mod b3;
pub mod baggage;
pub mod forwarded;
pub mod jaeger;
pub mod responses;
pub mod trace_context;
