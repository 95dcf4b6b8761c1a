use std::fmt;

use crate::{SUBJECTS, Site, rig::Rig};

/// A measured case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Traced service or client.
    pub subject: &'static Subject,
    /// Conditions of the measurement.
    pub mode: Mode,
}

/// A service or client, one entry of [`SUBJECTS`].
pub struct Subject {
    /// Name in the tables.
    pub name: &'static str,
    /// Framework or client of the request.
    pub framework: Framework,
    /// Purpose of the measurement.
    pub role: Role,
    /// Name of the subject of the same framework that is subtracted.
    pub over: Option<&'static str>,
    /// Modes in which it is measured.
    pub modes: &'static [Mode],
    pub(crate) build: fn(&Rig) -> Site,
}

/// Framework or client of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// axum, called as a service.
    Axum,
    /// actix-web, called as a service.
    Actix,
    /// reqwest-middleware, with a last middleware that responds at once, without a socket.
    ClientChain,
    /// reqwest, and a server on loopback in the same thread.
    Reqwest,
    /// Parts of this workspace, called directly.
    Parts,
}

/// Purpose of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A service without tracing.
    Bare,
    /// A reference for comparison.
    Reference,
    /// This workspace.
    Ours,
    /// Another crate.
    Rival,
}

/// Conditions of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every span is recorded.
    Sampled,
    /// Every span is recorded, and the request has a `tracestate` of two members.
    SampledTracestate,
    /// No span is recorded.
    Unsampled,
    /// No span is recorded, and the request has a `tracestate` of two members.
    UnsampledTracestate,
    /// No SDK is installed: the global providers do nothing, and there is no `tracing` subscriber.
    NoSdk,
    /// Every span and every metric is recorded.
    Metrics,
    /// Every span is recorded, with a subscriber like that of `Telemetry::install`, without log
    /// lines.
    Subscribed,
    /// A frame of a streamed body is measured instead of a request.
    Frames,
}

impl Case {
    /// Returns the case that is subtracted from this one.
    pub fn baseline(self) -> Option<Self> {
        let Subject { framework, over, .. } = self.subject;
        let subject = SUBJECTS
            .iter()
            .find(|other| other.framework == *framework && Some(other.name) == *over)?;
        Some(Self { subject, mode: self.mode.untraced() })
    }

    /// Number of recorded spans per request, if it is known.
    pub fn spans(self) -> Option<usize> {
        match (self.subject.framework, self.subject.role, self.mode) {
            (Framework::Parts, ..) | (_, Role::Reference, _) => None,
            (_, Role::Bare, _) | (_, _, Mode::NoSdk) => Some(0),
            (.., mode) => Some(usize::from(mode.is_sampled())),
        }
    }

    /// Sets up the providers, if the case is traced, and the service. Globals are set for the whole
    /// process.
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
    /// Returns the mode without conditions that do not affect an untraced subject.
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

/// Returns all cases, in the order of [`SUBJECTS`].
pub fn cases() -> Vec<Case> {
    let of =
        |subject: &'static Subject| subject.modes.iter().map(move |&mode| Case { subject, mode });
    SUBJECTS.iter().flat_map(of).collect()
}
