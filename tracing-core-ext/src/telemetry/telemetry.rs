//! Telemetry of a running service, and its shutdown.

pub(crate) mod log_records;

use std::{
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use opentelemetry_sdk::error::OTelSdkResult;
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::{Layer, filter::LevelFilter, layer::Filter, registry::LookupSpan};

use self::log_records::LogRecords;
use super::{
    builder::TelemetryBuilder, diagnostics::watchdog::MiddlewareWatchdog,
    meter_provider::GuardedMeterProvider, metrics::Metrics, subscriber,
};
use crate::{
    base::self_log::SelfLog,
    config::control::Control,
    export::{
        delivery::{ShutdownError, ShutdownTask, Status, StatusSource},
        pipeline::Pipeline,
    },
    propagation::Propagator,
    trace::{RecordProcessor, TracerProvider},
};

/// Telemetry of a running service.
///
/// Keep it until the service has answered its last request, then call [`shutdown`](Self::shutdown).
/// Dropping it shuts down as well, but losses are then only logged.
#[derive(Debug)]
#[must_use = "dropping it shuts telemetry down"]
pub struct Telemetry {
    pub(crate) provider: TracerProvider,
    pub(crate) propagator: Propagator,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) log_records: LogRecords,
    pub(crate) metrics: Option<Metrics>,
    pub(crate) log: SelfLog,
    pub(crate) control: Control,
    pub(crate) status: Arc<StatusSource>,
    pub(crate) timeout: Duration,
    /// Set if telemetry is installed.
    pub(crate) watch: Option<MiddlewareWatchdog>,
    pub(crate) is_shut_down: bool,
}

impl Telemetry {
    /// Returns a builder for the telemetry of a service.
    pub fn builder() -> TelemetryBuilder {
        TelemetryBuilder::new()
    }

    /// Exports every span that has ended before and every log record, or returns the losses.
    ///
    /// Blocks the thread until that is done, or until the time limit set with
    /// [`shutdown_timeout`](TelemetryBuilder::shutdown_timeout), 5 seconds by default, has passed.
    /// The work runs on separate threads, one for each exporter. It may therefore be called in any
    /// async runtime, also a single-threaded one, and without a runtime.
    ///
    /// # Errors
    ///
    /// If sampled spans that ended at any time since the set-up, or log records, were not delivered to
    /// one of the exporters, or if the last metrics were not delivered.
    pub fn shutdown(mut self) -> Result<(), ShutdownError> {
        self.stop()
    }

    /// Exports every span that has ended before and every log record, and waits until that is done.
    ///
    /// # Errors
    ///
    /// If that takes longer than five seconds. Losses are not an error;
    /// [`shutdown`](Self::shutdown) returns them.
    pub fn force_flush(&self) -> OTelSdkResult {
        self.provider.force_flush().and(self.log_records.flush())
    }

    /// Returns the tracer provider, for code that does not use the global one.
    pub fn tracer_provider(&self) -> &TracerProvider {
        &self.provider
    }

    /// Returns the propagator, for code that does not use the global one.
    pub fn propagator(&self) -> &Propagator {
        &self.propagator
    }

    /// Returns the meter provider, for code that does not use the global one. It exists if code or
    /// `OTEL_METRICS_EXPORTER` selects an exporter of metrics.
    pub fn meter_provider(&self) -> Option<&GuardedMeterProvider> {
        self.metrics.as_ref().map(Metrics::provider)
    }

    /// Returns the layer with which a `tracing` subscriber of the service exports its spans:
    /// [`exchange::layer`](crate::exchange::layer) for spans up to `level`, without those of the
    /// crates that exporters use, because an export must not be traced.
    ///
    /// `examples/src/bin/own_subscriber.rs` is an example of such a service. Log lines of such a
    /// subscriber have trace ids if its format is in
    /// [`WithTraceIds`](crate::telemetry::WithTraceIds).
    /// [`install_without_subscriber`](TelemetryBuilder::install_without_subscriber) installs
    /// everything else.
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

    /// Returns the handle that changes settings of the running service.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Returns settings in effect, findings of the diagnostics, and the deliveries of each exporter until now.
    pub fn status(&self) -> Status {
        self.status.status()
    }

    /// Returns a filter for the log lines of a `tracing` subscriber of the service. Its directives
    /// are those of `RUST_LOG`, by default `info,opentelemetry=warn`, and [`Control`] changes them.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    /// use tracing_subscriber::{Layer, fmt, layer::SubscriberExt};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _) = Telemetry::builder().service_name("checkout").build()?;
    /// let lines = fmt::layer().with_filter(telemetry.log_filter());
    /// let subscriber = tracing_subscriber::registry().with(lines);
    ///
    /// telemetry.control().set_log_filter("debug", None)?;
    /// # drop(subscriber);
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn log_filter<S>(&self) -> impl Filter<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        self.control.filter()
    }

    /// Returns the layer with which a `tracing` subscriber of the service exports its events as log
    /// records, each with the ids of the event's own span. It exports nothing unless code
    /// ([`otlp_logs`](TelemetryBuilder::otlp_logs)) or environment (`OTEL_LOGS_EXPORTER`) selects an
    /// exporter of log records.
    ///
    /// It has the filter of [`log_export_filter`](TelemetryBuilder::log_export_filter), `RUST_LOG` or
    /// `info,opentelemetry=warn`.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    /// use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _) = Telemetry::builder().service_name("checkout").build()?;
    /// let subscriber = tracing_subscriber::registry()
    ///     .with(telemetry.layer(LevelFilter::INFO))
    ///     .with(telemetry.log_layer());
    /// # drop(subscriber);
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn log_layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        self.log_records.layer(&self.provider)
    }

    /// Sets the subscriber that receives the log lines.
    pub(crate) fn log_to(&self, dispatch: &Dispatch) {
        self.log.set(dispatch);
        self.pipelines.iter().for_each(|pipeline| pipeline.state().log_to(dispatch));
        self.log_records.log_to(dispatch);
        if let Some(metrics) = &self.metrics {
            metrics.log_to(dispatch);
        }
    }

    fn stop(&mut self) -> Result<(), ShutdownError> {
        self.is_shut_down = true;
        self.control.close();
        self.watch = None;
        let started = Instant::now();
        self.metrics.iter().for_each(Metrics::start_draining);
        let for_spans = self.timeout - self.for_metrics();
        self.provider.discard_undecided();
        self.pipelines.iter().for_each(Pipeline::close);
        self.log_records.close();
        let mut in_time = all_done_within(for_spans, vec![self.provider_shutdown_task(for_spans)]);
        in_time &= self.pipelines_end_within(for_spans.saturating_sub(started.elapsed()));
        in_time &= all_done_within(
            self.timeout - started.elapsed().min(for_spans),
            self.metrics_shutdown_tasks(),
        );
        let losses = self.pipelines.iter().filter_map(|pipeline| pipeline.state().loss());
        let losses = losses.chain(self.log_records.losses());
        let losses = losses.chain(self.metrics.iter().flat_map(Metrics::losses));
        ShutdownError::from_losses(losses.collect(), (!in_time).then(|| started.elapsed()))
    }

    /// Returns the time for metrics. They are exported last, because they contain the counts of the
    /// spans, and require some time even if the spans take all of theirs.
    fn for_metrics(&self) -> Duration {
        if self.metrics.is_some() {
            return self.timeout / 4;
        }
        Duration::ZERO
    }

    /// Returns a task that shuts down the processors of users, which may not return, and the
    /// pipelines, which end at the same time.
    fn provider_shutdown_task(&self, timeout: Duration) -> ShutdownTask {
        let provider = self.provider.clone();
        Box::new(move || drop(provider.shutdown_with_timeout(timeout)))
    }

    fn pipelines_end_within(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let left = || deadline.saturating_duration_since(Instant::now());
        // Every pipeline is waited for, also after one that has not ended.
        let ends = self.pipelines.iter().map(|pipeline| pipeline.shutdown(left()).is_ok());
        ends.fold(true, |all, ended| all & ended) & self.log_records.end_within(left)
    }

    fn metrics_shutdown_tasks(&mut self) -> Vec<ShutdownTask> {
        let timeout = self.timeout;
        self.metrics.as_mut().map_or(Vec::new(), |metrics| metrics.shutdown_tasks(timeout))
    }
}

/// Runs each task on its own thread, so that an exporter that hangs does not use up the time of the
/// others.
fn all_done_within(timeout: Duration, tasks: Vec<ShutdownTask>) -> bool {
    let (done, all_done) = channel::<()>();
    for task in tasks {
        spawn(task, done.clone());
    }
    drop(done);
    all_done.recv_timeout(timeout) != Err(RecvTimeoutError::Timeout)
}

/// Runs a task on a new thread, or on this one if no thread can be spawned.
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
