//! Files of results, and comparison with recorded results.

mod figures;
pub mod machine;
mod recorded;
pub mod results;

pub use self::{
    figures::{deviation, mean, median, thousands},
    recorded::Recorded,
};
