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
    /// Largest ratio of the instructions.
    ratio: f64,
}

pub(crate) const TARGETS: &[Target] = &[
    target(Axum, Sampled, 0.38),
    target(Axum, SampledTracestate, 0.38),
    target(Axum, Unsampled, 0.22),
    target(Axum, UnsampledTracestate, 0.22),
    target(Axum, NoSdk, 0.22),
    target(Axum, Metrics, 0.45),
    target(Axum, Subscribed, 0.40),
    target(Actix, Sampled, 0.36),
    target(Actix, SampledTracestate, 0.36),
    target(Actix, Unsampled, 0.22),
    target(Actix, UnsampledTracestate, 0.22),
    target(Actix, NoSdk, 0.22),
    target(Actix, Metrics, 0.45),
    target(Actix, Subscribed, 0.40),
    target(ClientChain, Sampled, 0.38),
    target(ClientChain, Unsampled, 0.24),
    target(Reqwest, Sampled, 0.38),
];

const fn target(framework: Framework, mode: Mode, ratio: f64) -> Target {
    Target { framework, mode, ratio }
}

impl Target {
    pub(crate) fn judge(&self, ratio: f64) -> &'static str {
        if ratio <= self.ratio { "yes" } else { "**no**" }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "≤ {:.2}", self.ratio)
    }
}
