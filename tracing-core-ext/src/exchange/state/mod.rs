//! The state of an exchange.

pub(crate) mod active;
pub(crate) mod shared_state;
pub(crate) mod slot;

#[cfg(all(test, model_checks))]
mod loom_tests;
