use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use tracing::{Dispatch, Subscriber};
use tracing_subscriber::{Layer, filter::LevelFilter, registry::LookupSpan};

use super::{
    builder::TelemetryBuilder, diagnostics::watchdog::MiddlewareWatchdog,
    meter_provider::GuardedMeterProvider, metrics::Metrics, subscriber,
};
use crate::{
    base::self_log::SelfLog,
    export::{
        delivery::{ShutdownError, ShutdownTask},
        pipeline::Pipeline,
    },
    propagation::Propagator,
    trace::{RecordProcessor, TracerProvider},
};

/// The telemetry of a running service.
///
/// Keep it until the service has answered its last request, then call
/// [`shutdown`](Self::shutdown). Dropping it shuts down as well, but can only log what was lost.
#[derive(Debug)]
#[must_use = "dropping it shuts telemetry down"]
pub struct Telemetry {
    pub(crate) provider: TracerProvider,
    pub(crate) propagator: Propagator,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) metrics: Option<Metrics>,
    pub(crate) log: SelfLog,
    pub(crate) timeout: Duration,
    /// Where it is installed.
    pub(crate) watch: Option<MiddlewareWatchdog>,
    pub(crate) is_shut_down: bool,
}

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
    pub fn tracer_provider(&self) -> &TracerProvider {
        &self.provider
    }

    /// What carries context from and to other services, to be passed on where the global one is
    /// not used.
    pub fn propagator(&self) -> &Propagator {
        &self.propagator
    }

    /// Returns the provider of the meters, for code that does not use the global one. There is one if code or
    /// `OTEL_METRICS_EXPORTER` selects an exporter of metrics.
    pub fn meter_provider(&self) -> Option<&GuardedMeterProvider> {
        self.metrics.as_ref().map(Metrics::provider)
    }

    /// What a `tracing` subscriber of your own needs for its spans to be exported: [`exchange::layer`](crate::exchange::layer) for spans up to
    /// `level`, less those of the crates that exporters send with, which would trace themselves.
    ///
    /// `examples/src/bin/own_subscriber.rs` is a service that is set up so. Log lines of such a subscriber carry ids by
    /// [`WithTraceIds`](crate::telemetry::WithTraceIds).
    /// [`install_without_subscriber`](TelemetryBuilder::install_without_subscriber) installs everything else.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    /// use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _) = Telemetry::builder().service_name("checkout").build()?;
    /// let subscriber = tracing_subscriber::registry().with(telemetry.layer(LevelFilter::INFO));
    /// # drop(subscriber);
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn layer<S>(&self, level: LevelFilter) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        subscriber::spans(self.tracer_provider(), level)
    }

    /// Where changes of state are logged.
    pub(crate) fn log_to(&self, dispatch: &Dispatch) {
        self.log.set(dispatch);
        self.pipelines.iter().for_each(|pipeline| pipeline.state().log_to(dispatch));
        if let Some(metrics) = &self.metrics {
            metrics.log_to(dispatch);
        }
    }

    fn stop(&mut self) -> Result<(), ShutdownError> {
        self.is_shut_down = true;
        self.watch = None;
        let started = Instant::now();
        self.metrics.iter().for_each(Metrics::start_draining);
        let for_spans = self.timeout - self.for_metrics();
        self.pipelines.iter().for_each(Pipeline::close);
        let mut in_time = all_done_within(for_spans, vec![self.provider_shutdown_task(for_spans)]);
        in_time &= self.pipelines_end_within(for_spans.saturating_sub(started.elapsed()));
        in_time &= all_done_within(
            self.timeout - started.elapsed().min(for_spans),
            self.metrics_shutdown_tasks(),
        );
        let losses = self.pipelines.iter().filter_map(|pipeline| pipeline.state().loss());
        let losses = losses.chain(self.metrics.iter().flat_map(Metrics::losses));
        ShutdownError::from_losses(losses.collect(), (!in_time).then(|| started.elapsed()))
    }

    /// Metrics come last, as they tell what became of the spans, and need a moment however long those take.
    fn for_metrics(&self) -> Duration {
        if self.metrics.is_some() {
            return self.timeout / 4;
        }
        Duration::ZERO
    }

    /// Shuts processors of users down, which may not return, and waits for the pipelines, which are closed and end at the
    /// same time.
    fn provider_shutdown_task(&self, timeout: Duration) -> ShutdownTask {
        let provider = self.provider.clone();
        Box::new(move || drop(provider.shutdown_with_timeout(timeout)))
    }

    fn pipelines_end_within(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let left = || deadline.saturating_duration_since(Instant::now());
        // Every pipeline is read, also after one that has not ended.
        self.pipelines.iter().fold(true, |all, pipeline| all & pipeline.shutdown(left()).is_ok())
    }

    fn metrics_shutdown_tasks(&mut self) -> Vec<ShutdownTask> {
        let timeout = self.timeout;
        self.metrics.as_mut().map_or(Vec::new(), |metrics| metrics.shutdown_tasks(timeout))
    }
}

/// Does each on a thread of its own, for an exporter that hangs must not cost the others their time.
fn all_done_within(timeout: Duration, tasks: Vec<ShutdownTask>) -> bool {
    let (done, all_done) = channel::<()>();
    for task in tasks {
        spawn(task, done.clone());
    }
    drop(done);
    all_done.recv_timeout(timeout) != Err(RecvTimeoutError::Timeout)
}

/// What cannot have a thread is waited for.
fn spawn(task: ShutdownTask, done: Sender<()>) {
    let (hand_over, handed_over) = channel::<ShutdownTask>();
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
