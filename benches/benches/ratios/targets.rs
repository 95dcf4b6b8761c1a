//! Target costs as fractions of the fastest rival.

use std::fmt;

use benches::Framework::{self, Actix, Axum, ClientChain, Reqwest};
use benches::Mode::{
    self, Metrics, NoSdk, Sampled, SampledTracestate, Subscribed, Unsampled, UnsampledTracestate,
};

/// Target throughput of two threads, as a multiple of that of one thread.
pub(crate) const SCALING: f64 = 1.9;

pub(crate) struct Target {
    pub(crate) framework: Framework,
    pub(crate) mode: Mode,
    /// Inverse of the required ratio.
    must: u32,
    /// Inverse of the desired ratio.
    after: u32,
}

pub(crate) const TARGETS: &[Target] = &[
    target(Axum, Sampled, 2, 3),
    target(Axum, SampledTracestate, 2, 3),
    target(Axum, Unsampled, 4, 6),
    target(Axum, UnsampledTracestate, 4, 6),
    target(Axum, NoSdk, 6, 6),
    target(Axum, Metrics, 2, 3),
    target(Axum, Subscribed, 3, 3),
    target(Actix, Sampled, 2, 3),
    target(Actix, SampledTracestate, 2, 3),
    target(Actix, Unsampled, 4, 6),
    target(Actix, UnsampledTracestate, 4, 6),
    target(Actix, NoSdk, 6, 6),
    target(Actix, Metrics, 2, 3),
    target(Actix, Subscribed, 3, 3),
    target(ClientChain, Sampled, 3, 3),
    target(Reqwest, Sampled, 3, 3),
];

const fn target(framework: Framework, mode: Mode, must: u32, after: u32) -> Target {
    Target { framework, mode, must, after }
}

impl Target {
    pub(crate) fn judge(&self, ratio: f64) -> &'static str {
        match ratio {
            _ if ratio <= 1.0 / f64::from(self.after) => "yes",
            _ if ratio <= 1.0 / f64::from(self.must) => "yes, not yet the second",
            _ => "**no**",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1/{}", self.must)?;
        if self.after != self.must {
            write!(f, ", then 1/{}", self.after)?;
        }
        Ok(())
    }
}
