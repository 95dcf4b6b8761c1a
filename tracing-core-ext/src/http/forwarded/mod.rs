//! Who really called, when the service stands behind proxies.

mod chain;
mod client;
mod element;
mod network;
mod proxies;
mod x_forwarded;

pub(crate) use self::{client::Client, proxies::Forwarded};
pub use self::{network::InvalidNetwork, proxies::TrustedProxies};

#[cfg(test)]
mod tests;
