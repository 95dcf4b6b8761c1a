use std::{env, ffi::OsString, fmt, time::Duration};

use crate::telemetry::error::TelemetryError;

/// How variables are looked up, so that tests need not touch those of the process.
pub(in crate::telemetry) struct Variables(pub(super) Box<Lookup>);

pub(super) type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

impl Variables {
    pub(in crate::telemetry) fn of_process() -> Self {
        Self(Box::new(|name| env::var_os(name)))
    }

    pub(in crate::telemetry) fn looked_up_by(
        lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(move |name| lookup(name).map(OsString::from)))
    }

    /// "The SDK MUST interpret an empty value of an environment variable the same way as when
    /// the variable is unset": OpenTelemetry environment variable specification.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, TelemetryError> {
        let value = (self.0)(name).filter(|value| !value.is_empty());
        let text = value.map(OsString::into_string).transpose();
        text.map_err(|_| TelemetryError::not_utf8(name))
    }

    pub(super) fn first<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<Option<(&'static str, String)>, TelemetryError> {
        for name in names {
            if let Some(value) = self.text(name)? {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }

    /// One of a few words, in the first of these variables that is set.
    pub(super) fn parsed<T, const N: usize>(
        &self,
        names: [&'static str; N],
        parse: impl Fn(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, TelemetryError> {
        let Some((name, value)) = self.first(names)? else {
            return Ok(None);
        };
        match parse(value.trim()) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(TelemetryError::setting(name, value, expected)),
        }
    }

    pub(super) fn milliseconds(
        &self,
        name: &'static str,
    ) -> Result<Option<Duration>, TelemetryError> {
        let number = self.text(name)?.map(|value| positive(name, &value, u64::MAX)).transpose()?;
        Ok(number.map(Duration::from_millis))
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables(..)")
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
