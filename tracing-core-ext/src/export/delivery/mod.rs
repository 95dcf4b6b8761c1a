//! Delivery of the items of one exporter: counts of offered, delivered and lost items, and log
//! lines about losses.
//!
//! At every moment offered = delivered + lost + waiting.

mod counts;
mod health;
mod loss;
mod occupancy;
pub(crate) mod self_metrics;
mod shutdown;
mod state;
mod status;

#[cfg(test)]
pub(crate) use self::{
    counts::Snapshot,
    health::{ExportHealth, HealthChange},
};
pub(crate) use self::{
    counts::{Counts, Outcome},
    occupancy::{Occupied, Refusal, Share},
    shutdown::{ShutdownSignal, ShutdownTask},
    state::ExportState,
    status::{SetUp, StatusSource},
};
pub use self::{
    loss::{ExportLoss, ShutdownError},
    status::{ExporterStatus, Status},
};
