use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
#[cfg(feature = "otlp")]
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};
use tracing::Dispatch;

#[cfg(any(feature = "otlp", feature = "jaeger"))]
use super::shutdown::ShutdownSignal;
use super::{
    counting_exporter::CountingExporter,
    tally::Tally,
    outage::{Change, Outage},
    loss::{ExportLoss, Signal},
};
use crate::{base::self_log::SelfLog, config::batch::BatchConfig};

/// The SDK's batch processor with its losses counted.
///
/// It never holds more spans than the queue has room for, so the SDK's processor, which drops
/// silently when full, never has to drop one; and it leaves out spans that are recorded but not
/// sampled, which the SDK's processor would export.
#[derive(Debug)]
pub(crate) struct CountingProcessor {
    inner: BatchSpanProcessor,
    delivery: Arc<Delivery>,
}

/// What became of the spans, and whether they are being lost at the moment.
pub(crate) struct Delivery {
    signal: Signal,
    destination: String,
    exporter_type: &'static str,
    capacity: u64,
    ended: AtomicU64,
    dropped: AtomicU64,
    delivered: AtomicU64,
    failed: AtomicU64,
    /// Those of the failed that the destination did not want.
    rejected: AtomicU64,
    /// All that was ever taken for delivered, for what is told later only takes away from `delivered`.
    arrived: AtomicU64,
    pending: Mutex<Option<Rejected>>,
    is_full: AtomicBool,
    outage: Mutex<Outage>,
    log: SelfLog,
    #[cfg(any(feature = "otlp", feature = "jaeger"))]
    closing: ShutdownSignal,
}

/// Spans which the exporter has taken and which did not arrive.
#[derive(Debug)]
struct Rejected {
    spans: u64,
    reason: String,
}

impl CountingProcessor {
    pub(crate) fn new<E: SpanExporter + 'static>(
        exporter: E,
        batch: &BatchConfig,
        default_delay: Duration,
        delivery: Arc<Delivery>,
    ) -> Self {
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(batch.queue)
            .with_max_export_batch_size(batch.size)
            .with_scheduled_delay(batch.delay.unwrap_or(default_delay))
            .build();
        let exporter = CountingExporter { inner: exporter, delivery: Arc::clone(&delivery) };
        Self { inner: BatchSpanProcessor::new(exporter, config), delivery }
    }
}

impl SpanProcessor for CountingProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.delivery.accept() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl Delivery {
    pub(crate) fn of_spans(destination: String, batch: &BatchConfig) -> Self {
        Self::new(Signal::Traces, destination, batch.queue as u64)
    }

    /// Counts exports: there is always one at most.
    #[cfg(feature = "otlp")]
    pub(crate) fn of_metrics(destination: String, temporality: Temporality) -> Self {
        let signal = match temporality {
            Temporality::Cumulative => Signal::CumulativeMetrics,
            _ => Signal::DeltaMetrics,
        };
        Self::new(signal, destination, 1)
    }

    fn new(signal: Signal, destination: String, capacity: u64) -> Self {
        Self {
            signal,
            destination,
            exporter_type: "span_exporter",
            capacity,
            ended: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            arrived: AtomicU64::new(0),
            pending: Mutex::default(),
            is_full: AtomicBool::new(false),
            outage: Mutex::default(),
            log: SelfLog::default(),
            #[cfg(any(feature = "otlp", feature = "jaeger"))]
            closing: ShutdownSignal::default(),
        }
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn destination(&self) -> &str {
        &self.destination
    }

    #[cfg(any(feature = "otlp", feature = "jaeger"))]
    pub(crate) fn closing(&self) -> &ShutdownSignal {
        &self.closing
    }

    /// Where changes of state are logged.
    pub(crate) fn log_to(&self, dispatch: &Dispatch) {
        self.log.set(dispatch);
    }

    pub(crate) fn log(&self, say: impl FnOnce()) {
        self.log.log(say);
    }

    pub(crate) fn tally(&self) -> Tally {
        let outage = self.outage();
        // Before the failed, of which they are a part.
        let rejected = self.rejected.load(Ordering::Acquire);
        Tally {
            ended: self.ended.load(Ordering::Acquire),
            delivered: self.delivered.load(Ordering::Acquire),
            dropped: self.dropped.load(Ordering::Acquire),
            rejected,
            failed: self.failed.load(Ordering::Acquire),
            arrived: self.arrived.load(Ordering::Acquire),
            last_error: outage.last_error.clone(),
        }
    }

    /// By the names of the semantic conventions, where there is one.
    pub(crate) fn of_type(self, exporter_type: &'static str) -> Self {
        Self { exporter_type, ..self }
    }

    #[cfg(any(feature = "otlp", feature = "prometheus"))]
    pub(crate) fn exporter_type(&self) -> &'static str {
        self.exporter_type
    }

    #[cfg(any(feature = "otlp", feature = "prometheus"))]
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// What must be said at the end. Of totals only the last export counts: it tells all that earlier ones told.
    pub(crate) fn loss(&self) -> Option<ExportLoss> {
        let tally = self.tally();
        let is_lost = match self.signal {
            Signal::Traces | Signal::DeltaMetrics => tally.lost() > 0,
            Signal::CumulativeMetrics => tally.waiting() > 0 || self.outage().is_down(),
        };
        let destination = || self.destination.clone();
        is_lost.then(|| ExportLoss { signal: self.signal, destination: destination(), tally })
    }

    /// Whether there is room for one more.
    pub(crate) fn accept(&self) -> bool {
        let before = self.ended.fetch_add(1, Ordering::AcqRel);
        let waiting = before.saturating_sub(self.settled());
        if waiting < self.capacity {
            return true;
        }
        self.dropped.fetch_add(1, Ordering::AcqRel);
        // An exporter that never comes back would never tell.
        if !self.is_full.swap(true, Ordering::AcqRel) {
            self.settle(None);
        }
        false
    }

    /// Called by an exporter, before it answers Ok, for spans it has lost all the same: of this
    /// batch, or of earlier ones which it had kept.
    pub(crate) fn reject(&self, spans: u64, reason: String) {
        let mut pending = self.pending();
        let spans = pending.take().map_or(0, |before| before.spans) + spans;
        *pending = Some(Rejected { spans, reason });
    }

    pub(crate) fn has_rejected(&self) -> bool {
        self.pending().is_some()
    }

    fn pending(&self) -> MutexGuard<'_, Option<Rejected>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn delivered(&self, spans: u64) {
        let rejected = self.pending().take();
        let before = self.delivered.load(Ordering::Acquire);
        let failed = rejected.as_ref().map_or(0, |rejected| rejected.spans.min(before + spans));
        // Only the thread that exports writes here.
        self.delivered.store(before + spans - failed, Ordering::Release);
        self.arrived.fetch_add(spans.saturating_sub(failed), Ordering::AcqRel);
        self.failed.fetch_add(failed, Ordering::AcqRel);
        self.rejected.fetch_add(failed, Ordering::AcqRel);
        self.settle(rejected.map(|rejected| rejected.reason));
    }

    /// Called for an export that its reader could not even begin.
    #[cfg(feature = "otlp")]
    pub(crate) fn never_sent(&self, error: String) {
        self.ended.fetch_add(1, Ordering::AcqRel);
        self.failed(1, error);
    }

    pub(crate) fn failed(&self, spans: u64, error: String) {
        self.failed.fetch_add(spans, Ordering::AcqRel);
        self.settle(Some(error));
    }

    fn settled(&self) -> u64 {
        self.delivered.load(Ordering::Acquire) + self.lost()
    }

    fn lost(&self) -> u64 {
        self.failed.load(Ordering::Acquire) + self.dropped.load(Ordering::Acquire)
    }

    /// One line when spans begin to be lost, one when none are lost any more.
    fn settle(&self, error: Option<String>) {
        let mut outage = self.outage();
        let change = outage.observe(self.lost());
        outage.last_error = error.or(outage.last_error.take());
        let reason = outage.last_error.clone();
        drop(outage);
        match change {
            Some(Change::Down) => self.log(|| self.say_down(reason.as_deref())),
            Some(Change::Up { lost }) => {
                self.is_full.store(false, Ordering::Release);
                self.log(|| self.say_up(lost));
            }
            None => {}
        }
    }

    fn say_down(&self, reason: Option<&str>) {
        tracing::warn!(
            endpoint = self.destination,
            error = reason.unwrap_or("the queue is full"),
            "{} cannot be delivered; requests are not affected",
            self.signal.plural()
        );
    }

    fn say_up(&self, lost: u64) {
        tracing::info!(
            endpoint = self.destination,
            lost,
            "{} are delivered again",
            self.signal.plural()
        );
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("destination", &self.destination)
            .field("exporter_type", &self.exporter_type)
            .field("tally", &self.tally())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
