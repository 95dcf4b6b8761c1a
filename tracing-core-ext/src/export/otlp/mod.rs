//! Export over OTLP: over gRPC, and over HTTP as protobuf or JSON.
//!
//! [`options`] holds the options of code. [`settings`] combines them with the environment, using
//! [`endpoint`] and [`tls`]. [`exporters`] starts the exporters of all signals. A [`client`] sends
//! messages with a [`protocol`].

mod client;
mod endpoint;
mod exporters;
pub(crate) mod logs;
pub(crate) mod metrics;
mod options;
pub(crate) mod protocol;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls/off.rs"]
mod tls;
pub(crate) mod traces;

pub use self::options::Otlp;
