//! Environment variables, parsed by the rules of the OpenTelemetry environment variable
//! specification.

pub(crate) mod exporters;
pub(crate) mod findings;
pub(super) mod propagators;
#[cfg(test)]
mod tests;
pub(crate) mod unused;
pub(super) mod words;

use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fmt,
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use self::{findings::Findings, words::Words};
use crate::base::error::TelemetryError;

/// Variables that are read if the SDK is disabled, for propagation, log lines and health.
const WITHOUT_SDK: [&str; 7] = [
    "NO_COLOR",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_PROPAGATORS",
    "OTEL_SERVICE_NAME",
    "RUST_LOG",
    "TERM",
];

/// Longest time limit: about 136 years, which every clock can add.
pub(crate) const NO_LIMIT: Duration = Duration::from_secs(u32::MAX as u64);

/// Source of variables: the process or, in tests, a function.
#[derive(Clone)]
pub(crate) struct Env {
    lookup: Arc<LookupFn>,
    /// Names of the variables that are set. Empty if the variables come from a function.
    set: fn() -> Vec<String>,
    read: Arc<Mutex<BTreeSet<&'static str>>>,
    pub(super) findings: Findings,
}

pub(super) type LookupFn = dyn Fn(&str) -> Option<OsString> + Send + Sync;

impl Env {
    pub(crate) fn from_process() -> Self {
        let names = || env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        Self { set: names, ..Self::from_os_fn(|name| env::var_os(name)) }
    }

    pub(crate) fn from_fn(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::from_os_fn(move |name| lookup(name).map(OsString::from))
    }

    pub(super) fn from_os_fn(
        lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Self {
        Self {
            lookup: Arc::new(lookup),
            set: Vec::new,
            read: Arc::default(),
            findings: Findings::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn with_names(&self, set: fn() -> Vec<String>) -> Self {
        Self { set, ..self.clone() }
    }

    pub(crate) fn with_findings(&self, findings: Findings) -> Self {
        Self { findings, ..self.clone() }
    }

    /// Returns the same variables without those that only the SDK reads.
    pub(super) fn disabled_subset(&self) -> Self {
        let lookup = Arc::clone(&self.lookup);
        let lookup = move |name: &str| WITHOUT_SDK.contains(&name).then(|| lookup(name)).flatten();
        Self { findings: self.findings.clone(), ..Self::from_os_fn(lookup) }
    }

    /// Returns the same variables without those of OpenTelemetry.
    pub(super) fn without_opentelemetry(&self) -> Self {
        let lookup = Arc::clone(&self.lookup);
        let lookup = move |name: &str| match name.starts_with("OTEL_") {
            true => None,
            false => lookup(name),
        };
        Self { findings: self.findings.clone(), ..Self::from_os_fn(lookup) }
    }

    /// Returns the names of the variables that were read.
    fn names_read(&self) -> BTreeSet<&'static str> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads text. "The SDK MUST interpret an empty value of an environment variable the same way
    /// as when the variable is unset". Quotes around a value, as in an `.env` file, are removed
    /// with a warning.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, TelemetryError> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        let Some(value) = (self.lookup)(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let Ok(text) = value.into_string() else {
            return self.findings.ignore(TelemetryError::not_utf8(name));
        };
        let Some(inner) = unquoted(&text) else { return Ok(Some(text)) };
        let quoted = TelemetryError::setting(name, "\"***\"", "a value without quotes");
        self.findings.report(quoted, "the quotes are removed")?;
        Ok(Some(inner.to_owned()).filter(|inner| !inner.is_empty()))
    }

    /// Reads a variable of the platform, which is no setting. A value that is not UTF-8 counts as
    /// unset.
    pub(crate) fn platform_text(&self, name: &str) -> Option<String> {
        let text = (self.lookup)(name)?.into_string().ok()?;
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// Returns the first of these variables that is set, and marks all of them as read.
    pub(super) fn first_set<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<Option<(&'static str, String)>, TelemetryError> {
        let mut found = None;
        for name in names {
            let value = self.text(name)?;
            found = found.or(value.map(|value| (name, value)));
        }
        Ok(found)
    }

    /// Returns the first of these variables that is set and valid. Invalid ones before it are ignored with a warning.
    pub(super) fn first_valid<T, const N: usize>(
        &self,
        names: [&'static str; N],
        parse: impl Fn(&'static str, &str) -> Result<T, TelemetryError>,
    ) -> Result<Option<T>, TelemetryError> {
        let mut found = None;
        for name in names {
            let value = self.text(name)?.filter(|_| found.is_none());
            match value.map(|value| parse(name, value.trim())) {
                None => {}
                Some(Ok(value)) => found = Some(value),
                Some(Err(error)) => found = self.findings.ignore(error)?,
            }
        }
        Ok(found)
    }

    /// Reads a value that is one of several words.
    pub(super) fn choice<T: Copy, const N: usize>(
        &self,
        names: [&'static str; N],
        words: &Words<T>,
    ) -> Result<Option<T>, TelemetryError> {
        self.first_valid(names, |name, value| words.parse(name, value))
    }

    /// Reads a boolean, in any case. "Any value that is not explicitly defined here as a true value
    /// […] MUST be interpreted as false", and "a warning SHOULD be logged": "Boolean".
    pub(super) fn boolean<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<Option<bool>, TelemetryError> {
        let Some((name, value)) = self.first_set(names)? else { return Ok(None) };
        match value.trim().to_ascii_lowercase().parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => {
                let error = TelemetryError::setting(name, value, "true or false");
                self.findings.ignore::<bool>(error).map(|_| Some(false))
            }
        }
    }

    /// Reads a time limit. "If the value is zero, it SHOULD be interpreted as no limit": "Timeout".
    pub(super) fn timeout<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<Option<Duration>, TelemetryError> {
        Ok(self.milliseconds(names, 0)?.map(time_limit))
    }

    /// Reads a duration of at least `least` milliseconds: "Duration".
    pub(super) fn milliseconds<const N: usize>(
        &self,
        names: [&'static str; N],
        least: u64,
    ) -> Result<Option<Duration>, TelemetryError> {
        let most = u64::try_from(NO_LIMIT.as_millis()).unwrap_or(u64::MAX);
        let expected = format!("a whole number of milliseconds, {least} or more");
        let number = self.number(names, least..=most, &expected)?;
        Ok(number.map(Duration::from_millis))
    }

    /// Reads a whole number: "Numeric".
    pub(super) fn number<const N: usize>(
        &self,
        names: [&'static str; N],
        range: RangeInclusive<u64>,
        expected: &str,
    ) -> Result<Option<u64>, TelemetryError> {
        self.first_valid(names, |name, value| {
            let number = value.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| TelemetryError::setting(name, value, expected))
        })
    }

    /// Reads a port. Ignores `…_PORT=tcp://10.0.0.1:9464`, which Kubernetes sets for a service
    /// named like the exporter.
    pub(super) fn port(
        &self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<u16>, TelemetryError> {
        if self.text(name)?.is_some_and(|value| is_service_link(&value)) {
            return Ok(None);
        }
        self.first_valid([name], |name, value| {
            value.parse().map_err(|_| TelemetryError::setting(name, value, expected))
        })
    }
}

/// Returns the time limit of an operation. Zero means no limit.
pub(crate) fn time_limit(timeout: Duration) -> Duration {
    if timeout.is_zero() { NO_LIMIT } else { timeout }
}

/// Whether Kubernetes has set this value for a service.
fn is_service_link(value: &str) -> bool {
    value.starts_with("tcp://") || value.starts_with("udp://")
}

fn unquoted(value: &str) -> Option<&str> {
    let value = value.trim();
    ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env(..)")
    }
}
