//! Settings that change while the service runs.

mod setting;

use std::time::Duration;

pub(crate) use self::setting::Current;
use self::setting::{Setting, Source};
use super::log_filter::{LogFilter, LogFilterHandle};
use crate::{
    base::{error::TelemetryError, self_log::SelfLog},
    trace::{Sampler, TracerProvider},
};

/// Changes the log filter and the sampler of a running service, from
/// [`Telemetry::control`](crate::telemetry::Telemetry::control). A clone is a handle to the same settings.
///
/// A change may have a time limit, after which the setting has the value of the set-up again. Each
/// change, also by a time limit, is one log line at `WARN`. It is lost with the process.
///
/// ```
/// use std::time::Duration;
/// use tracing_core_ext::telemetry::Telemetry;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (telemetry, _subscriber) = Telemetry::builder().service_name("checkout").build()?;
/// let control = telemetry.control();
///
/// control.set_log_filter("info,checkout=debug", Some(Duration::from_secs(600)))?;
/// assert_eq!(control.log_filter(), "checkout=debug,info");
///
/// let error = control.set_log_filter("info,checkout=loud", None).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "set_log_filter()=\"info,checkout=loud\": expected filter directives such as info,my_service=debug",
/// );
/// control.reset_log_filter()?;
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Control {
    filter: LogFilterHandle,
    log_filter: Setting<String>,
    sampler: Setting<Sampler>,
    /// Whether telemetry is disabled, so that no sampler decides.
    is_disabled: bool,
    log: SelfLog,
}

impl Control {
    pub(crate) fn new(filter: LogFilterHandle, provider: &TracerProvider) -> Self {
        let log = SelfLog::default();
        let replace = {
            let filter = filter.clone();
            move |directives: &String| filter.replace(directives)
        };
        let initial = filter.directives();
        let log_filter = Setting::new("log filter", initial, log.clone(), replace);
        let initial = provider.sampler();
        let is_disabled = provider.is_disabled();
        let provider = provider.clone();
        let replace = move |sampler: &Sampler| provider.set_sampler(sampler.clone());
        let sampler = Setting::new("sampler", initial, log.clone(), replace);
        Self { filter, log_filter, sampler, is_disabled, log }
    }

    /// Returns the directives of the log filter.
    pub fn log_filter(&self) -> String {
        self.log_filter.current().value
    }

    /// Selects log lines by other directives, until `limit` has passed if there is one, and exported log records as well,
    /// unless [`log_export_filter`](crate::telemetry::TelemetryBuilder::log_export_filter) was set. A directive that selects
    /// lines by their span applies to spans that start later.
    ///
    /// # Errors
    ///
    /// If a directive is invalid, if the limit is zero or over 30 days, if there is no log filter, or if telemetry is shut
    /// down. Nothing has changed then.
    pub fn set_log_filter(
        &self,
        directives: &str,
        limit: Option<Duration>,
    ) -> Result<(), TelemetryError> {
        self.set_log_filter_from("set_log_filter()", directives, limit, "code")
    }

    /// Sets the log filter of the set-up.
    ///
    /// # Errors
    ///
    /// If there is no log filter, or if telemetry is shut down.
    pub fn reset_log_filter(&self) -> Result<(), TelemetryError> {
        self.reset_log_filter_from("code")
    }

    /// Returns the sampler that decides about spans that start now.
    pub fn sampler(&self) -> Sampler {
        self.sampler.current().value
    }

    /// Decides about spans that start later by another sampler, until `limit` has passed if there is one.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracing_core_ext::{telemetry::Telemetry, trace::Sampler};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (telemetry, _subscriber) = Telemetry::builder().service_name("checkout").build()?;
    /// let incident = Duration::from_secs(600);
    /// telemetry.control().set_sampler(Sampler::always_on(), Some(incident))?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the limit is zero or over 30 days, or if telemetry is disabled or shut down. Nothing has changed then.
    pub fn set_sampler(
        &self,
        sampler: Sampler,
        limit: Option<Duration>,
    ) -> Result<(), TelemetryError> {
        self.set_sampler_from(sampler, limit, "code")
    }

    /// Sets the sampler of the set-up.
    ///
    /// # Errors
    ///
    /// If telemetry is disabled or shut down.
    pub fn reset_sampler(&self) -> Result<(), TelemetryError> {
        self.reset_sampler_from("code")
    }

    pub(crate) fn current_sampler(&self) -> Current<Sampler> {
        self.sampler.current()
    }

    pub(crate) fn set_sampler_from(
        &self,
        sampler: Sampler,
        limit: Option<Duration>,
        source: &str,
    ) -> Result<(), TelemetryError> {
        self.check_enabled(&sampler)?;
        self.sampler.set(sampler, limit, Source(source))
    }

    pub(crate) fn reset_sampler_from(&self, source: &str) -> Result<(), TelemetryError> {
        self.check_enabled(&self.sampler())?;
        self.sampler.reset(Source(source))
    }

    fn check_enabled(&self, sampler: &Sampler) -> Result<(), TelemetryError> {
        if !self.is_disabled {
            return Ok(());
        }
        let expected = "telemetry that OTEL_SDK_DISABLED does not disable";
        Err(TelemetryError::setting("sampler", sampler.to_string(), expected))
    }

    pub(crate) fn current_log_filter(&self) -> Current<String> {
        self.log_filter.current()
    }

    /// Changes the log filter. `setting` is the name of the directives in errors.
    pub(crate) fn set_log_filter_from(
        &self,
        setting: &'static str,
        directives: &str,
        limit: Option<Duration>,
        source: &str,
    ) -> Result<(), TelemetryError> {
        let parsed = LogFilterHandle::check(setting, directives)?;
        self.check_filter(directives)?;
        self.log_filter.set(parsed, limit, Source(source))
    }

    pub(crate) fn reset_log_filter_from(&self, source: &str) -> Result<(), TelemetryError> {
        self.check_filter("")?;
        self.log_filter.reset(Source(source))
    }

    fn check_filter(&self, directives: &str) -> Result<(), TelemetryError> {
        match self.filter.is_used() {
            true => Ok(()),
            false => Err(TelemetryError::setting(
                "log filter",
                directives,
                "the subscriber of install(), or one that has the filter of Telemetry::log_filter()",
            )),
        }
    }

    /// Returns the present values by the names of their variables.
    pub(crate) fn settings(&self) -> [(&'static str, String); 2] {
        [("RUST_LOG", self.log_filter()), ("OTEL_TRACES_SAMPLER", self.sampler().to_string())]
    }

    /// Returns a filter for a layer of the service.
    pub(crate) fn filter(&self) -> LogFilter {
        self.filter.filter()
    }

    /// Returns the log of the changes.
    pub(crate) fn log(&self) -> &SelfLog {
        &self.log
    }

    /// Ends all time limits, at shutdown.
    pub(crate) fn close(&self) {
        self.log_filter.close();
        self.sampler.close();
    }
}
