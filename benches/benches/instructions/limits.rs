//! What a request may cost. CI fails above.

use benches::{Case, Framework, Middleware, Sampling};

/// Instructions over the bare service, per request.
///
/// On axum what was promised; on actix-web what was measured and 8 % more; with metrics what was measured and 4 % more.
pub(crate) const LIMITS: [(Case, i64); 8] = [
    (ours(Framework::Axum, Sampling::Sampled), 8_000),
    (ours(Framework::Axum, Sampling::Unsampled), 4_500),
    (ours(Framework::Actix, Sampling::Sampled), 13_700),
    (ours(Framework::Actix, Sampling::Unsampled), 3_400),
    (measured(Framework::Axum, Sampling::Sampled), 14_700),
    (measured(Framework::Axum, Sampling::Unsampled), 11_600),
    (measured(Framework::Actix, Sampling::Sampled), 20_200),
    (measured(Framework::Actix, Sampling::Unsampled), 17_100),
];

const fn measured(framework: Framework, sampling: Sampling) -> Case {
    Case { middleware: Middleware::OursMeasured, ..ours(framework, sampling) }
}

const fn ours(framework: Framework, sampling: Sampling) -> Case {
    Case { framework, middleware: Middleware::Ours, sampling, tracestate: false }
}
