//! What a request may cost. CI fails above.

use benches::{Case, Framework, Middleware, Sampling};

/// Instructions over the bare service, per request.
///
/// What was measured and 3 % more.
pub(crate) const LIMITS: [(Case, i64); 8] = [
    (ours(Framework::Axum, Sampling::Sampled), 7_310),
    (ours(Framework::Axum, Sampling::Unsampled), 4_070),
    (ours(Framework::Actix, Sampling::Sampled), 7_820),
    (ours(Framework::Actix, Sampling::Unsampled), 3_170),
    (measured(Framework::Axum, Sampling::Sampled), 8_950),
    (measured(Framework::Axum, Sampling::Unsampled), 6_110),
    (measured(Framework::Actix, Sampling::Sampled), 9_340),
    (measured(Framework::Actix, Sampling::Unsampled), 6_800),
];

const fn measured(framework: Framework, sampling: Sampling) -> Case {
    Case { middleware: Middleware::OursMeasured, ..ours(framework, sampling) }
}

const fn ours(framework: Framework, sampling: Sampling) -> Case {
    Case { framework, middleware: Middleware::Ours, sampling, tracestate: false }
}
