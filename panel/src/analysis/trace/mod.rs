//! Computations over the spans of one trace.

mod compare;
mod path;
mod perfetto;
mod self_times;
mod tree;

pub use self::{
    compare::{Difference, Side, compare},
    perfetto::perfetto_json,
    self_times::{SelfTime, self_times},
    tree::{TreeRow, rows},
};
