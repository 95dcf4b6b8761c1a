//! Addresses of clients whose requests arrive through trusted proxies.

mod chain;
pub(crate) mod client;
mod element;
mod network;
pub(crate) mod original;
pub(crate) mod proxies;
#[cfg(test)]
mod tests;
mod x_forwarded;

pub use self::{network::InvalidNetwork, proxies::TrustedProxies};
