//! Bounded queue between the threads that end spans and the thread that exports them.
//!
//! A producer reserves a place in one atomic word ([`Counts`](super::delivery::Counts)) and pushes
//! into the stripe of its thread, so threads rarely share a lock ([`bounded`]). It wakes the
//! [`Consumer`] once for a full batch; otherwise the consumer checks for items after each delay. An
//! item keeps its place until its export has ended.

mod bounded;
mod consumer;

pub(crate) use self::{
    bounded::{BatchLimits, Queue, Queued},
    consumer::{Consumer, Work, queue},
};

#[cfg(all(test, model_checks))]
mod loom_tests;
#[cfg(all(test, not(model_checks)))]
mod tests;
