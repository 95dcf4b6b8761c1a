//! Places in a file.

use std::fmt::Write;

use crate::{
    base::{
        error::TelemetryError,
        text::unprintable::{Escape, EscapingWriter},
    },
    config::env::findings::Findings,
};

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
        let mut message = separator.to_owned();
        // A tag of YAML and a parser's message may contain any characters.
        let _ = EscapingWriter::new(&mut message, Escape::Field).write_str(problem);
        TelemetryError::file(place, message)
    }

    pub(super) fn place(&self, Place { line, column }: Place, path: &str) -> String {
        format!("{}:{line}:{column}: {path}", self.name)
    }
}
