use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::base::error::TelemetryError;

/// What still counts where the SDK is disabled: context is carried on, log lines are written, health is told.
const WITHOUT_SDK: [&str; 7] = [
    "NO_COLOR",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_PROPAGATORS",
    "OTEL_SERVICE_NAME",
    "RUST_LOG",
    "TERM",
];

/// Read elsewhere, or meant for other programs that share an environment.
const NOT_OURS: [&str; 13] = [
    "OTEL_CPP_",
    "OTEL_DOTNET_",
    "OTEL_GO_",
    "OTEL_INJECTOR_",
    "OTEL_INSTRUMENTATION_",
    "OTEL_JAVA",
    "OTEL_NODE_",
    "OTEL_PHP_",
    "OTEL_POD_",
    "OTEL_PYTHON_",
    "OTEL_RESOURCE_ATTRIBUTES_",
    "OTEL_RUBY_",
    "OTEL_SEMCONV_",
];

/// How variables are looked up, so that tests need not touch those of the process.
#[derive(Clone)]
pub(crate) struct Env {
    pub(super) lookup: Arc<LookupFn>,
    /// Those that are set, as far as that can be told.
    pub(super) set: fn() -> Vec<String>,
    pub(super) read: Arc<Mutex<BTreeSet<&'static str>>>,
}

pub(super) type LookupFn = dyn Fn(&str) -> Option<OsString> + Send + Sync;

impl Env {
    pub(crate) fn from_process() -> Self {
        let names = || env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        Self { set: names, ..Self::looked_up(|name| env::var_os(name)) }
    }

    pub(crate) fn from_fn(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::looked_up(move |name| lookup(name).map(OsString::from))
    }

    pub(super) fn looked_up(
        lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Self {
        Self { lookup: Arc::new(lookup), set: Vec::new, read: Arc::default() }
    }

    /// The same, without those that only the SDK would heed.
    pub(super) fn disabled_subset(&self) -> Self {
        let lookup = Arc::clone(&self.lookup);
        Self::looked_up(move |name| WITHOUT_SDK.contains(&name).then(|| lookup(name)).flatten())
    }

    /// Names that begin as if they were meant for telemetry, and that nobody has asked for until now.
    pub(crate) fn unused(&self) -> Vec<String> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = |name: &String| {
            name.starts_with("OTEL_") && !NOT_OURS.iter().any(|start| name.starts_with(start))
        };
        let set = (self.set)().into_iter().filter(is_ours);
        set.filter(|name| !read.contains(name.as_str())).collect()
    }

    /// "The SDK MUST interpret an empty value of an environment variable the same way as when
    /// the variable is unset": OpenTelemetry environment variable specification.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, TelemetryError> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        let value = (self.lookup)(name).filter(|value| !value.is_empty());
        let text = value.map(OsString::into_string).transpose();
        text.map_err(|_| TelemetryError::not_utf8(name))
    }

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

    /// One of a few words, in the first of these variables that is set.
    pub(super) fn parsed<T, const N: usize>(
        &self,
        names: [&'static str; N],
        parse: impl Fn(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, TelemetryError> {
        let Some((name, value)) = self.first_set(names)? else {
            return Ok(None);
        };
        match parse(value.trim()) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(TelemetryError::setting(name, value, expected)),
        }
    }

    /// Case does not matter: OpenTelemetry environment variable specification, "Boolean".
    pub(super) fn boolean<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<Option<bool>, TelemetryError> {
        let parse = |value: &str| value.to_ascii_lowercase().parse().ok();
        self.parsed(names, parse, "true or false")
    }

    pub(super) fn milliseconds<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<Option<Duration>, TelemetryError> {
        let found = self.first_set(names)?;
        let number = found.map(|(name, value)| positive(name, &value, u64::MAX)).transpose()?;
        Ok(number.map(Duration::from_millis))
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env(..)")
    }
}

pub(super) fn positive(name: &'static str, value: &str, most: u64) -> Result<u64, TelemetryError> {
    let number = value.trim().parse().ok();
    number.filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        let expected = match most {
            u64::MAX => "a whole number greater than 0".to_owned(),
            most => format!("a whole number from 1 to {most}"),
        };
        TelemetryError::setting(name, value, expected)
    })
}
