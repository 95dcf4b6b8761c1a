//! Export over OTLP: over gRPC, and over HTTP as protobuf or JSON.
//!
//! [`options`] are those of code. [`settings`] combines them with the environment, with the help of [`endpoint`] and [`tls`].
//! [`exporters`] starts the exporters of both signals. A [`client`] sends messages by a [`protocol`].

mod client;
mod endpoint;
mod exporters;
pub(crate) mod metrics;
mod options;
mod protocol;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_off.rs"]
mod tls;
pub(crate) mod traces;

pub use self::options::Otlp;
