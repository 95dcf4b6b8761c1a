//! Writing down what was measured, and comparing with it.

mod figures;
pub mod machine;
mod recorded;
pub mod results;

pub use self::{
    figures::{deviation, mean, median, thousands},
    recorded::Recorded,
};
