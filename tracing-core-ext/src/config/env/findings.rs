//! Settings that are invalid or suspicious.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::base::error::TelemetryError;

/// Collects settings that are wrong or suspicious: warnings, or errors under
/// [`strict`](crate::telemetry::TelemetryBuilder::strict).
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    is_strict: bool,
    found: Arc<Mutex<Vec<Finding>>>,
}

/// Error of a setting, and its treatment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    setting: String,
    treatment: &'static str,
}

impl Findings {
    pub(crate) fn strict(is_strict: bool) -> Self {
        Self { is_strict, found: Arc::default() }
    }

    /// Reports a value that is ignored: OpenTelemetry environment variable specification, "Enum" and "Numeric".
    pub(crate) fn ignore<T>(&self, error: TelemetryError) -> Result<Option<T>, TelemetryError> {
        self.report(error, "it is ignored").map(|()| None)
    }

    /// Reports a value that is used, but is probably a mistake.
    pub(crate) fn suspect(&self, error: TelemetryError) -> Result<(), TelemetryError> {
        self.report(error, "it is used as it is")
    }

    pub(crate) fn take(&self) -> Vec<Finding> {
        std::mem::take(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(in crate::config) fn report(
        &self,
        error: TelemetryError,
        treatment: &'static str,
    ) -> Result<(), TelemetryError> {
        if self.is_strict {
            return Err(error);
        }
        let finding = Finding { setting: error.to_string(), treatment };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if !found.contains(&finding) {
            found.push(finding);
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.setting, self.treatment)
    }
}
