//! What a traced request costs, beside the same request untraced.
//!
//! One request goes through one case after the other: a framework, a middleware, a sampler. Nothing leaves the process:
//! the service is called directly, and ended spans are dropped.
//!
//! ```text
//! cargo bench -p benches --features measure --bench instructions
//! cargo bench -p benches --features measure --bench latency
//! ```
//!
//! All cases are built together, so the features other middleware turns on in shared crates are on for ours as well.
#![cfg(feature = "measure")]

mod actix;
mod axum;
mod by_hand;
mod case;
mod driver;
mod propagation;
pub mod request;
mod telemetry;

pub use self::{
    case::{Case, Framework, Middleware, Sampling, cases},
    driver::Driver,
};
