//! Places in a file.

use crate::{base::error::TelemetryError, config::env::findings::Findings};

/// File that values belong to.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) findings: Findings,
}

/// Place in a file. Lines and columns start at 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Source {
    /// Returns an error such as `otel.yaml:3:5: tracer_provider.sampler: …`.
    pub(super) fn error(&self, place: Place, path: &str, problem: &str) -> TelemetryError {
        let separator = if path.is_empty() { "" } else { ": " };
        let place = self.place(place, path);
        TelemetryError::file(place, format!("{separator}{problem}"))
    }

    pub(super) fn place(&self, Place { line, column }: Place, path: &str) -> String {
        format!("{}:{line}:{column}: {path}", self.name)
    }
}
