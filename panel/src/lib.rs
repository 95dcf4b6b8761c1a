//! x
pub mod model;
pub mod query;
pub mod analysis;
pub mod store;
pub mod otlp;
#[cfg(test)]
mod testing;
