//! Export over OTLP: over gRPC, and over HTTP as protobuf or JSON.
//!
//! [`options`] is what code asks for, [`settings`] what comes of it and the environment, [`endpoint`] and [`tls`] among it. A
//! [`client`] writes the message ([`encode`], [`proto_json`]) and has it sent; what comes back is parsed by [`response`] or [`grpc`].

mod client;
mod encode;
mod endpoint;
mod grpc;
#[cfg(feature = "otlp")]
pub(crate) mod metrics;
mod options;
mod proto_json;
mod response;
pub(crate) mod settings;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(feature = "tls")]
mod tls;
pub(crate) mod traces;

pub use self::options::Otlp;
