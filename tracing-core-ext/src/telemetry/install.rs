//! Installation of a set-up: global, global without a subscriber, or not global.

use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::global;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::filter::LevelFilter;

use super::{
    build::BuiltTelemetry,
    builder::TelemetryBuilder,
    diagnostics::{self, watchdog::MiddlewareWatchdog},
    log_format::LogFormat,
    metrics::Metrics,
    telemetry::Telemetry,
};
use crate::{
    base::error::TelemetryError, bridge::log_lines::log_records,
    exchange::instrumentation::installed, propagation::propagator,
};

static INSTALLED: AtomicBool = AtomicBool::new(false);

impl TelemetryBuilder {
    /// Installs the telemetry of the whole process: the global tracer provider, the global meter
    /// provider (if metrics are enabled), the global text map propagator and the global `tracing`
    /// subscriber. Middlewares and clients that are built afterwards use them by default.
    ///
    /// ```
    /// # use tracing_core_ext::telemetry::Telemetry;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let telemetry = Telemetry::builder().service_name("checkout").install()?;
    ///
    /// let again = Telemetry::builder().service_name("checkout").install();
    /// assert_eq!(
    ///     again.unwrap_err().to_string(),
    ///     "telemetry is already installed: install() may be called once",
    /// );
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The crate `log` is connected as well, if it has no logger yet: its records become events of
    /// `tracing`, with their target.
    ///
    /// # Errors
    ///
    /// If a setting in code or in the environment cannot be used, or if a global `tracing`
    /// subscriber already exists. Nothing is installed then.
    pub fn install(self) -> Result<Telemetry, TelemetryError> {
        if INSTALLED.load(Ordering::Acquire) {
            return Err(TelemetryError::already_installed());
        }
        let BuiltTelemetry { mut telemetry, dispatch, summary } = self.prepare()?;
        if dispatch.is_none_or(|dispatch| dispatcher::set_global_default(dispatch).is_err()) {
            return Err(match INSTALLED.load(Ordering::Acquire) {
                true => TelemetryError::already_installed(),
                false => TelemetryError::foreign_subscriber(),
            });
        }
        INSTALLED.store(true, Ordering::Release);
        telemetry.install_providers(summary.is_disabled);
        if log_records::forward().is_err() {
            telemetry.log.log(warn_other_logger);
        }
        let log = Some(&telemetry.log);
        diagnostics::report_install(summary, telemetry.propagator(), log, &telemetry.status);
        Ok(telemetry)
    }

    /// Installs the same as [`install`](Self::install), without the `tracing` subscriber and the
    /// crate `log`. The subscriber of the service exports spans if it has [`Telemetry::layer`]. Its
    /// log lines have trace ids if its format is in [`WithTraceIds`](super::WithTraceIds).
    ///
    /// Diagnostics are logged when a subscriber exists, at the latest when the next middleware or
    /// client is built.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::{Telemetry, WithTraceIds};
    /// use tracing_subscriber::{
    ///     EnvFilter, Layer, filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt,
    /// };
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let telemetry =
    ///     Telemetry::builder().service_name("checkout").install_without_subscriber()?;
    ///
    /// let lines = fmt::layer().event_format(WithTraceIds::text(fmt::format()));
    /// tracing_subscriber::registry()
    ///     .with(lines.with_filter(EnvFilter::new("info,tower_http=debug")))
    ///     .with(telemetry.layer(LevelFilter::INFO))
    ///     .init();
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If a setting in code or in the environment cannot be used, if an option of the subscriber
    /// was set, or if telemetry is already installed. Nothing is installed then.
    pub fn install_without_subscriber(mut self) -> Result<Telemetry, TelemetryError> {
        if let Some(option) = self.subscriber_option() {
            return Err(TelemetryError::without_subscriber(option));
        }
        if INSTALLED.load(Ordering::Acquire) {
            return Err(TelemetryError::already_installed());
        }
        self.has_subscriber = false;
        let BuiltTelemetry { mut telemetry, summary, .. } = self.prepare()?;
        if INSTALLED.swap(true, Ordering::AcqRel) {
            return Err(TelemetryError::already_installed());
        }
        telemetry.install_providers(summary.is_disabled);
        diagnostics::report_install(summary, telemetry.propagator(), None, &telemetry.status);
        Ok(telemetry)
    }

    /// Builds everything that [`install`](Self::install) builds, and installs nothing. It returns
    /// the subscriber; the provider is [`Telemetry::tracer_provider`], and the propagator is
    /// [`Telemetry::propagator`]. Middlewares and clients must be built with both. The returned
    /// subscriber logs the diagnostics.
    ///
    /// # Errors
    ///
    /// If a setting in code or in the environment cannot be used.
    pub fn build(self) -> Result<(Telemetry, Dispatch), TelemetryError> {
        let BuiltTelemetry { telemetry, dispatch, summary } = self.prepare()?;
        let Telemetry { propagator, log, status, .. } = &telemetry;
        diagnostics::report(summary, propagator, log, status);
        Ok((telemetry, dispatch.unwrap_or_else(Dispatch::none)))
    }

    /// Returns an option of the subscriber of this crate, if one was set.
    fn subscriber_option(&self) -> Option<&'static str> {
        [
            ("layer()", !self.layers.is_empty()),
            ("log_filter()", self.log_filter.is_some()),
            ("log_writer()", self.log_writer.is_some()),
            ("log_format()", self.log_format != LogFormat::default()),
            ("span_level()", self.span_level != LevelFilter::INFO),
        ]
        .into_iter()
        .find_map(|(option, is_set)| is_set.then_some(option))
    }
}

impl Telemetry {
    /// Sets the global providers and the global propagator.
    fn install_providers(&mut self, is_disabled: bool) {
        global::set_tracer_provider(self.tracer_provider().clone());
        installed::set_tracer_provider(self.tracer_provider().clone());
        propagator::set_global_propagator(self.propagator().clone());
        if !is_disabled {
            self.metrics.iter().for_each(Metrics::install);
            self.watch = Some(MiddlewareWatchdog::start(self.log.clone()));
        }
    }
}

fn warn_other_logger() {
    tracing::warn!(
        "the crate `log` already has a logger, which receives its records: unless it is tracing_log::LogTracer, they have \
         no trace ids; remove the logger, such as env_logger::init()"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_subscriber_are_refused_if_there_is_none() {
        let builder = || Telemetry::builder().variables(|_| None).service_name("shop");
        for (builder, option) in [
            (builder().layer(LevelFilter::OFF), "layer()"),
            (builder().log_filter("info"), "log_filter()"),
            (builder().log_writer(std::io::sink), "log_writer()"),
            (builder().log_format(LogFormat::Json), "log_format()"),
            (builder().span_level(LevelFilter::DEBUG), "span_level()"),
        ] {
            let error = builder.install_without_subscriber().unwrap_err().to_string();
            assert!(error.starts_with(option), "{error}");
        }
    }
}
