//! Costs of a traced request, beside those of the same request without tracing and of other crates.
//!
//! A `Case` is one of the `SUBJECTS` in one `Mode`. No data leaves the process: the service is
//! called directly, and ended spans are dropped. An `Installation` exports its spans to another
//! process instead.
//!
//! ```text
//! cargo bench -p benches --features measure --bench installed
//! cargo bench -p benches --features measure --bench instructions
//! cargo bench -p benches --features measure --bench ratios
//! cargo bench -p benches --features measure --bench load
//! ```
//!
//! All subjects are built together, so the features that other crates enable in shared dependencies
//! are enabled for this workspace as well.
#![cfg(feature = "measure")]

mod case;
mod client;
pub mod installed;
mod parts;
mod report;
pub mod request;
mod rig;
mod servers;
mod site;
mod subjects;
mod telemetry;

pub use self::{
    case::{Case, Framework, Mode, Role, Subject, cases},
    report::{Recorded, deviation, machine, mean, median, results, thousands},
    site::{Driver, Site},
    subjects::SUBJECTS,
    telemetry::ended_spans,
};
