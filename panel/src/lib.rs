//! x
pub mod model;
pub mod query;
pub mod store;
#[cfg(test)]
mod testing;
