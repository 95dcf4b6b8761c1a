//! Services with tracing as users install it: spans are exported over OTLP, and log lines are
//! written to standard error.
//!
//! Settings such as `OTEL_EXPORTER_OTLP_ENDPOINT` are read from the environment of the process.

mod export;
mod ours;
mod rival;

use std::{error::Error, fmt};

pub use self::export::Export;
use crate::{
    Framework, Site,
    servers::{actix, axum},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A service and its telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Framework of the service.
    pub framework: Framework,
    /// Middleware and telemetry.
    pub tracing: Tracing,
}

/// Middleware and telemetry of an [`Installation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// Neither middleware nor telemetry.
    Bare,
    /// This workspace, installed for the whole process.
    Ours,
    /// The same, with one event per request, which is printed and exported as a log record.
    OursLogs,
    /// This workspace without a `tracing` subscriber.
    OursUnsubscribed,
    /// The fastest other middleware, with the SDK and a `tracing` subscriber for log lines.
    Rival,
    /// The same as `Rival` without the subscriber.
    RivalUnsubscribed,
}

impl Tracing {
    /// All variants, the bare service first.
    pub const ALL: [Self; 6] = [
        Self::Bare,
        Self::Ours,
        Self::OursLogs,
        Self::OursUnsubscribed,
        Self::Rival,
        Self::RivalUnsubscribed,
    ];

    /// Number of log records that a request exports.
    pub const fn log_records(self) -> usize {
        if matches!(self, Self::OursLogs) { 1 } else { 0 }
    }

    /// Number of spans that a request records.
    pub const fn spans(self) -> usize {
        if matches!(self, Self::Bare) { 0 } else { 1 }
    }
}

impl Installation {
    /// Returns the same service without tracing.
    pub const fn bare(self) -> Self {
        Self { tracing: Tracing::Bare, ..self }
    }

    /// Installs the telemetry in this process and builds the service.
    ///
    /// # Errors
    ///
    /// If the telemetry cannot be set up, for example because the process already has one.
    pub fn install(self) -> Result<(Site, Box<dyn Export>)> {
        match self.tracing {
            Tracing::Bare => Ok((bare(self.framework), Box::new(()))),
            Tracing::Ours => ours::installed(self.framework),
            Tracing::OursLogs => ours::installed_with_logs(self.framework),
            Tracing::OursUnsubscribed => ours::built(self.framework),
            Tracing::Rival => rival::installed(self.framework),
            Tracing::RivalUnsubscribed => rival::built(self.framework),
        }
    }
}

impl fmt::Display for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.framework, self.tracing)
    }
}

impl fmt::Display for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bare => "bare",
            Self::Ours => "ours, installed",
            Self::OursLogs => "ours, installed, logs exported",
            Self::OursUnsubscribed => "ours, no subscriber",
            Self::Rival => "rival, installed",
            Self::RivalUnsubscribed => "rival, no subscriber",
        })
    }
}

fn bare(framework: Framework) -> Site {
    match framework {
        Framework::Actix => actix::connected(actix::app),
        _ => axum::connected(|router| router),
    }
}
