//! Extractors, responses and functions for handlers.

mod block;
mod extract;
mod problem;

pub use self::{
    block::block,
    extract::{MissingRequestId, RequestId, RequestSpan},
    problem::Problem,
};
