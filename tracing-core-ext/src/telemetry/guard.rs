use std::{
    error::Error,
    fmt,
    sync::{Arc, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

use opentelemetry_sdk::trace::SdkTracerProvider;
#[cfg(any(feature = "otlp", feature = "prometheus"))]
use tracing::Dispatch;

#[cfg(any(feature = "otlp", feature = "prometheus"))]
use super::metrics::Metrics;
use super::{builder::TelemetryBuilder, delivery::Delivery, tally::Tally};
use crate::propagation::Propagator;

/// The telemetry of a running service.
///
/// Keep it until the service has answered its last request, then call
/// [`shutdown`](Self::shutdown). Dropping it shuts down as well, but can only log what was lost.
#[derive(Debug)]
#[must_use = "dropping it shuts telemetry down"]
pub struct Telemetry {
    provider: SdkTracerProvider,
    propagator: Propagator,
    delivery: Arc<Delivery>,
    #[cfg(any(feature = "otlp", feature = "prometheus"))]
    metrics: Option<Metrics>,
    timeout: Duration,
    is_shut_down: bool,
}

impl Telemetry {
    /// Starts the set-up of a service.
    pub fn builder() -> TelemetryBuilder {
        TelemetryBuilder::new()
    }

    pub(super) fn new(
        provider: SdkTracerProvider,
        propagator: Propagator,
        delivery: Arc<Delivery>,
        timeout: Duration,
    ) -> Self {
        Self {
            provider,
            propagator,
            delivery,
            #[cfg(any(feature = "otlp", feature = "prometheus"))]
            metrics: None,
            timeout,
            is_shut_down: false,
        }
    }

    #[cfg(any(feature = "otlp", feature = "prometheus"))]
    pub(super) fn with_metrics(mut self, metrics: Option<Metrics>, dispatch: &Dispatch) -> Self {
        self.metrics = metrics;
        if let Some(metrics) = &self.metrics {
            metrics.log_to(dispatch);
        }
        self
    }

    #[cfg(any(feature = "otlp", feature = "prometheus"))]
    pub(super) fn metrics(&self) -> Option<&Metrics> {
        self.metrics.as_ref()
    }

    /// Delivers every span that has ended before, or says what was lost.
    ///
    /// It blocks its thread until that is done, at most for the deadline set with
    /// [`shutdown_timeout`](TelemetryBuilder::shutdown_timeout), which is 5 seconds unless told
    /// otherwise. The work is done on a thread of its own, so this may be called inside any
    /// async runtime, also on a single-threaded one, and without any.
    ///
    /// # Errors
    ///
    /// When sampled spans that ended since the set-up, at any time, were not delivered.
    pub fn shutdown(mut self) -> Result<(), ShutdownError> {
        self.stop()
    }

    /// The provider that makes the spans, to be passed on where the global one is not used.
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// What carries context from and to other services, to be passed on where the global one is
    /// not used.
    pub fn propagator(&self) -> &Propagator {
        &self.propagator
    }

    fn stop(&mut self) -> Result<(), ShutdownError> {
        self.is_shut_down = true;
        let started = Instant::now();
        #[cfg(feature = "otlp")]
        self.delivery.closing().begin();
        #[cfg(any(feature = "otlp", feature = "prometheus"))]
        if let Some(metrics) = &mut self.metrics {
            metrics.close();
        }
        let in_time = self.stop_on_another_thread();
        let tally = self.delivery.tally();
        if tally.lost() == 0 {
            return Ok(());
        }
        Err(ShutdownError {
            destination: self.delivery.destination().to_owned(),
            waited: (!in_time).then(|| started.elapsed()),
            tally,
        })
    }

    fn stop_on_another_thread(&self) -> bool {
        let (done, is_done) = channel();
        let provider = self.provider.clone();
        #[cfg(any(feature = "otlp", feature = "prometheus"))]
        let meters = self.meter_provider().cloned();
        let timeout = self.timeout;
        let stopping =
            thread::Builder::new().name("telemetry-shutdown".to_owned()).spawn(move || {
                flush_and_shut_down(&provider, timeout);
                #[cfg(any(feature = "otlp", feature = "prometheus"))]
                let _ = meters.map(|meters| meters.shutdown_with_timeout(timeout));
                let _ = done.send(());
            });
        match stopping {
            Ok(_) => is_done.recv_timeout(self.timeout).is_ok(),
            Err(_) => {
                flush_and_shut_down(&self.provider, self.timeout);
                true
            }
        }
    }
}

/// The results say nothing: the SDK answers Ok when the last export failed. The counts know.
fn flush_and_shut_down(provider: &SdkTracerProvider, timeout: Duration) {
    let _ = provider.force_flush();
    let _ = provider.shutdown_with_timeout(timeout);
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if self.is_shut_down {
            return;
        }
        if let Err(lost) = self.stop() {
            self.delivery.log(|| tracing::warn!("{lost}"));
        }
    }
}

/// Spans were lost.
///
/// ```text
/// 3 of 40 spans were not delivered to http://localhost:4318/v1/traces: 3 failed (connection refused)
/// ```
#[derive(Clone)]
pub struct ShutdownError {
    destination: String,
    waited: Option<Duration>,
    tally: Tally,
}

impl ShutdownError {
    /// How many spans had ended.
    pub fn ended(&self) -> u64 {
        self.tally.ended
    }

    /// How many spans were delivered.
    pub fn delivered(&self) -> u64 {
        self.tally.delivered
    }

    /// How many spans were not delivered, for whatever reason.
    pub fn lost(&self) -> u64 {
        self.tally.lost()
    }

    fn failures(&self) -> String {
        let reason = self.tally.last_error.as_deref();
        let reason = reason.map_or(String::new(), |reason| format!(" ({reason})"));
        format!("failed{reason}")
    }
}

/// The message, for this is what a `main` that returns the error prints.
impl fmt::Debug for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, tally, .. } = self;
        let (lost, ended) = (tally.lost(), tally.ended);
        write!(f, "{lost} of {ended} spans were not delivered to {destination}")?;
        if let Some(waited) = self.waited {
            write!(f, " within {:.1} s", waited.as_secs_f64())?;
        }
        let parts = [
            (tally.failed, self.failures()),
            (tally.dropped, "dropped because the queue was full".into()),
            (tally.waiting(), "still waiting".into()),
        ];
        let mut separator = ": ";
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count} {what}")?;
            separator = ", ";
        }
        Ok(())
    }
}

impl Error for ShutdownError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(tally: Tally, waited: Option<Duration>) -> String {
        let destination = "http://localhost:4318/v1/traces".to_owned();
        ShutdownError { destination, waited, tally }.to_string()
    }

    #[test]
    fn a_loss_names_the_counts_the_destination_and_the_reason() {
        let tally = Tally {
            ended: 40,
            delivered: 37,
            failed: 3,
            last_error: Some("connection refused".to_owned()),
            ..Tally::default()
        };
        assert_eq!(
            lost(tally, None),
            "3 of 40 spans were not delivered to http://localhost:4318/v1/traces: \
             3 failed (connection refused)"
        );
    }

    #[test]
    fn a_missed_deadline_is_said() {
        let tally = Tally { ended: 9, delivered: 4, dropped: 2, ..Tally::default() };
        assert_eq!(
            lost(tally, Some(Duration::from_secs(5))),
            "5 of 9 spans were not delivered to http://localhost:4318/v1/traces within 5.0 s: \
             2 dropped because the queue was full, 3 still waiting"
        );
    }
}
