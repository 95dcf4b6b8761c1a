use std::fmt;

use crate::{SUBJECTS, Site, rig::Rig};

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Who traces.
    pub subject: &'static Subject,
    /// In which circumstances.
    pub mode: Mode,
}

/// Who traces, an entry of [`SUBJECTS`].
pub struct Subject {
    /// What the tables call it.
    pub name: &'static str,
    /// Who carries the request.
    pub framework: Framework,
    /// Why it is measured.
    pub role: Role,
    /// The name of the subject of the same framework that is subtracted.
    pub over: Option<&'static str>,
    /// In which circumstances it is measured.
    pub modes: &'static [Mode],
    pub(crate) build: fn(&Rig) -> Site,
}

/// Who carries the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// axum, called as a service.
    Axum,
    /// actix-web, called as a service.
    Actix,
    /// reqwest-middleware, with a last middleware that answers at once: no socket.
    ClientChain,
    /// reqwest, and a server on loopback in the same thread.
    Reqwest,
    /// Nobody: parts of ours, called directly.
    Parts,
}

/// Why a subject is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nothing is traced.
    Bare,
    /// Worth knowing.
    Reference,
    /// This workspace.
    Ours,
    /// Somebody else's.
    Rival,
}

/// In which circumstances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every span is recorded.
    Sampled,
    /// The same, and the request carries a `tracestate` of two members.
    SampledTracestate,
    /// No span is recorded.
    Unsampled,
    /// The same, and the request carries a `tracestate` of two members.
    UnsampledTracestate,
    /// Nothing is installed: the global providers are those that do nothing, and nobody listens to `tracing`.
    NoSdk,
    /// Every span is recorded, and metrics are.
    Metrics,
    /// Every span is recorded, below a subscriber like that of `Telemetry::install`, without log lines.
    Subscribed,
    /// A frame of a streamed body is measured instead of a request.
    Frames,
}

impl Case {
    /// What is subtracted from it.
    pub fn baseline(self) -> Option<Self> {
        let Subject { framework, over, .. } = self.subject;
        let subject = SUBJECTS
            .iter()
            .find(|other| other.framework == *framework && Some(other.name) == *over)?;
        Some(Self { subject, mode: self.mode.untraced() })
    }

    /// How many recorded spans every request ends, where that is known.
    pub fn spans(self) -> Option<usize> {
        match (self.subject.framework, self.subject.role, self.mode) {
            (Framework::Parts, ..) | (_, Role::Reference, _) => None,
            (_, Role::Bare, _) | (_, _, Mode::NoSdk) => Some(0),
            (.., mode) => Some(usize::from(mode.is_sampled())),
        }
    }

    /// Sets up providers, if anything is traced, and a service. What is global is so for the whole process.
    pub fn site(self) -> Site {
        let rig = match self.subject.role {
            Role::Bare => Rig::untraced(self.mode),
            _ => Rig::new(self.mode),
        };
        (self.subject.build)(&rig)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Subject { name, framework, .. } = self.subject;
        write!(f, "{framework}: {name}, {}", self.mode)
    }
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        (self.framework, self.name) == (other.framework, other.name)
    }
}

impl Eq for Subject {}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.framework, self.name)
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Axum => "axum",
            Self::Actix => "actix-web",
            Self::ClientChain => "client, no socket",
            Self::Reqwest => "client, loopback",
            Self::Parts => "parts",
        })
    }
}

impl Mode {
    /// What a subject that traces nothing can tell apart.
    const fn untraced(self) -> Self {
        match self {
            Self::SampledTracestate | Self::UnsampledTracestate => Self::SampledTracestate,
            Self::Frames => Self::Frames,
            _ => Self::Sampled,
        }
    }

    pub(crate) const fn has_tracestate(self) -> bool {
        matches!(self, Self::SampledTracestate | Self::UnsampledTracestate)
    }

    pub(crate) const fn is_sampled(self) -> bool {
        !matches!(self, Self::Unsampled | Self::UnsampledTracestate)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sampled => "sampled",
            Self::SampledTracestate => "sampled + tracestate",
            Self::Unsampled => "unsampled",
            Self::UnsampledTracestate => "unsampled + tracestate",
            Self::NoSdk => "no SDK",
            Self::Metrics => "sampled + metrics",
            Self::Subscribed => "sampled + subscriber",
            Self::Frames => "body frame",
        })
    }
}

/// All cases, in the order of [`SUBJECTS`].
pub fn cases() -> Vec<Case> {
    let of =
        |subject: &'static Subject| subject.modes.iter().map(move |&mode| Case { subject, mode });
    SUBJECTS.iter().flat_map(of).collect()
}
