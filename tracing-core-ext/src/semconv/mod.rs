//! Semantic conventions: a request as attributes of its span and of its metrics.

pub(crate) mod client;
mod facts;
pub(crate) mod labels;
pub(crate) mod names;
pub(crate) mod options;
pub(crate) mod peer;
pub(crate) mod rpc;
pub(crate) mod server;
mod span_attributes;
pub(crate) mod status;
pub(crate) mod websocket;

pub(crate) use self::{
    facts::{FactLimits, FactValue, Facts, value_bytes},
    span_attributes::{EarlyKey, EarlyValue, SpanAttributes},
};
