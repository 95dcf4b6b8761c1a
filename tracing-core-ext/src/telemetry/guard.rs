use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;

#[cfg(any(feature = "otlp", feature = "prometheus"))]
use super::metrics::Metrics;
use super::{
    builder::TelemetryBuilder, log_target::LogTarget, pipeline::Pipeline,
    shutdown_error::ShutdownError,
};
use crate::propagation::Propagator;

/// The telemetry of a running service.
///
/// Keep it until the service has answered its last request, then call
/// [`shutdown`](Self::shutdown). Dropping it shuts down as well, but can only log what was lost.
#[derive(Debug)]
#[must_use = "dropping it shuts telemetry down"]
pub struct Telemetry {
    pub(super) provider: SdkTracerProvider,
    pub(super) propagator: Propagator,
    pub(super) pipelines: Vec<Pipeline>,
    #[cfg(any(feature = "otlp", feature = "prometheus"))]
    pub(super) metrics: Option<Metrics>,
    pub(super) log: LogTarget,
    pub(super) timeout: Duration,
    pub(super) is_shut_down: bool,
}

type Task = Box<dyn FnOnce() + Send>;

impl Telemetry {
    /// Starts the set-up of a service.
    pub fn builder() -> TelemetryBuilder {
        TelemetryBuilder::new()
    }

    /// Delivers every span that has ended before, or says what was lost.
    ///
    /// It blocks its thread until that is done, at most for the deadline set with
    /// [`shutdown_timeout`](TelemetryBuilder::shutdown_timeout), which is 5 seconds unless told
    /// otherwise. The work is done on threads of its own, one for each exporter, so this may be called inside any
    /// async runtime, also on a single-threaded one, and without any.
    ///
    /// # Errors
    ///
    /// When sampled spans that ended since the set-up, at any time, were not delivered to one of the exporters, or when
    /// the last metrics were not.
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

    /// Where changes of state are logged.
    pub(super) fn log_to(&self, dispatch: &Dispatch) {
        self.log.set(dispatch);
        self.pipelines.iter().for_each(|pipeline| pipeline.delivery.log_to(dispatch));
        #[cfg(any(feature = "otlp", feature = "prometheus"))]
        if let Some(metrics) = &self.metrics {
            metrics.log_to(dispatch);
        }
    }

    fn stop(&mut self) -> Result<(), ShutdownError> {
        self.is_shut_down = true;
        let started = Instant::now();
        #[cfg(any(feature = "otlp", feature = "prometheus"))]
        if let Some(metrics) = &mut self.metrics {
            metrics.close();
        }
        let in_time = all_done_within(self.timeout, self.closing());
        if in_time {
            // At once: nothing is left that it would wait for.
            let _ = self.provider.shutdown_with_timeout(self.timeout);
        }
        let losses = self.pipelines.iter().filter_map(|pipeline| pipeline.delivery.loss());
        #[cfg(any(feature = "otlp", feature = "prometheus"))]
        let losses = losses.chain(self.metrics.iter().filter_map(Metrics::loss));
        ShutdownError::of(losses.collect(), (!in_time).then(|| started.elapsed()))
    }

    fn closing(&self) -> Vec<Task> {
        let timeout = self.timeout;
        let closing = |pipeline: &Pipeline| Box::new(pipeline.closing(timeout)) as Task;
        let pipelines = self.pipelines.iter().map(closing);
        #[cfg(any(feature = "otlp", feature = "prometheus"))]
        let pipelines =
            pipelines.chain(self.meter_provider().cloned().map(|meters| {
                Box::new(move || drop(meters.shutdown_with_timeout(timeout))) as Task
            }));
        pipelines.collect()
    }
}

/// Does each on a thread of its own, for an exporter that hangs must not cost the others their time.
fn all_done_within(timeout: Duration, tasks: Vec<Task>) -> bool {
    let (done, all_done) = channel::<()>();
    for task in tasks {
        spawn(task, done.clone());
    }
    drop(done);
    all_done.recv_timeout(timeout) != Err(RecvTimeoutError::Timeout)
}

/// What cannot have a thread is waited for.
fn spawn(task: Task, done: Sender<()>) {
    let (hand_over, handed_over) = channel::<Task>();
    let thread = thread::Builder::new().name("telemetry-shutdown".to_owned()).spawn(move || {
        let _done = done;
        if let Ok(task) = handed_over.recv() {
            task();
        }
    });
    match thread {
        Ok(_) => drop(hand_over.send(task)),
        Err(_) => task(),
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if self.is_shut_down {
            return;
        }
        if let Err(lost) = self.stop() {
            self.log.log(|| tracing::warn!("{lost}"));
        }
    }
}
