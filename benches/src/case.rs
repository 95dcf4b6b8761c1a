use std::fmt;

use crate::{Driver, actix, axum, propagation};

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Who routes the request.
    pub framework: Framework,
    /// Who traces it.
    pub middleware: Middleware,
    /// Whether spans are recorded.
    pub sampling: Sampling,
    /// The request carries a `tracestate`.
    pub tracestate: bool,
}

/// Who routes the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// axum.
    Axum,
    /// actix-web.
    Actix,
    /// Nobody: propagation alone, on a header map.
    None,
}

/// Who traces the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middleware {
    /// Nobody.
    Bare,
    /// A layer that does nothing, which axum boxes like any other.
    Nothing,
    /// A span with ten attributes, made with the SDK.
    ByHand,
    /// This workspace.
    Ours,
    /// This workspace, with metrics.
    OursMeasured,
    /// This workspace, with the global provider.
    OursGlobal,
    /// This workspace below a `tracing` subscriber with its layer.
    OursSubscribed,
    /// opentelemetry-instrumentation-tower.
    OtelTower,
    /// axum-tracing-opentelemetry, with the `tracing` subscriber it needs.
    AxumTracing,
    /// opentelemetry-instrumentation-actix-web.
    OtelActix,
    /// Our propagator reads a caller's context.
    Extract,
    /// Our propagator writes a context.
    Inject,
}

/// Whether spans are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// All of them.
    Sampled,
    /// None of them.
    Unsampled,
}

impl Case {
    /// The same request on the same framework, untraced.
    pub const fn baseline(self) -> Self {
        Self { middleware: Middleware::Bare, sampling: Sampling::Sampled, ..self }
    }

    /// Builds the service.
    pub fn driver(self) -> Driver {
        match self.framework {
            Framework::Axum => axum::driver(self),
            Framework::Actix => actix::driver(self),
            Framework::None => propagation::driver(self),
        }
    }

    /// What is measured, without the sampling.
    pub fn label(self) -> String {
        let framework = self.framework.label();
        let tracestate = if self.tracestate { " + tracestate" } else { "" };
        format!("{framework}: {}{tracestate}", self.middleware.label())
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {:?}", self.label(), self.sampling)
    }
}

impl Framework {
    const fn label(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::Actix => "actix-web",
            Self::None => "propagation",
        }
    }
}

impl Middleware {
    const fn label(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Nothing => "a layer that does nothing",
            Self::ByHand => "span by hand, ten attributes",
            Self::Ours => "ours",
            Self::OursMeasured => "ours, with metrics",
            Self::OursGlobal => "ours, with the global provider",
            Self::OursSubscribed => "ours, with its tracing layer installed",
            Self::OtelTower => "opentelemetry-instrumentation-tower 0.19",
            Self::AxumTracing => "axum-tracing-opentelemetry 0.42",
            Self::OtelActix => "opentelemetry-instrumentation-actix-web 0.25",
            Self::Extract => "extract",
            Self::Inject => "inject",
        }
    }

    /// The result does not depend on the sampler.
    const fn is_untraced(self) -> bool {
        matches!(self, Self::Bare | Self::Nothing | Self::Extract | Self::Inject)
    }
}

/// All cases, in the order of the report; every baseline comes before what is compared with it.
pub fn cases() -> Vec<Case> {
    use Framework::{Actix, Axum, None};
    use Middleware as M;
    let rows = [
        (Axum, M::Bare, false),
        (Axum, M::Nothing, false),
        (Axum, M::ByHand, false),
        (Axum, M::Ours, false),
        (Axum, M::OursMeasured, false),
        (Axum, M::OursGlobal, false),
        (Axum, M::OursSubscribed, false),
        (Axum, M::OtelTower, false),
        (Axum, M::AxumTracing, false),
        (Axum, M::Bare, true),
        (Axum, M::Ours, true),
        (Axum, M::OtelTower, true),
        (Axum, M::AxumTracing, true),
        (Actix, M::Bare, false),
        (Actix, M::Ours, false),
        (Actix, M::OursMeasured, false),
        (Actix, M::OtelActix, false),
        (None, M::Extract, false),
        (None, M::Extract, true),
        (None, M::Inject, false),
        (None, M::Inject, true),
    ];
    rows.into_iter().flat_map(|row| sampled_and_not(row.0, row.1, row.2)).collect()
}

fn sampled_and_not(
    framework: Framework,
    middleware: Middleware,
    tracestate: bool,
) -> impl Iterator<Item = Case> {
    let samplings: &[_] = if middleware.is_untraced() {
        &[Sampling::Sampled]
    } else {
        &[Sampling::Sampled, Sampling::Unsampled]
    };
    samplings.iter().map(move |&sampling| Case { framework, middleware, sampling, tracestate })
}
