//! State of one exporter: its destination, its counts, and the subscriber for its log lines.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::metrics::Temporality;
use tracing::Dispatch;

use super::{
    counts::{Counts, Outcome},
    health::{ExportHealth, HealthChange},
    loss::{ExportLoss, Signal},
    occupancy::Share,
    shutdown::ShutdownSignal,
};
use crate::{
    base::{contain_log_writer, self_log::SelfLog},
    config::batch::{BatchConfig, QUIET_PERIOD},
};

/// Largest number of metric exports at the same time.
const MAX_METRIC_EXPORTS: usize = 1024;

/// State that an exporter shares with its pipeline and with [`Telemetry`](crate::telemetry::Telemetry).
pub(crate) struct ExportState {
    signal: Signal,
    destination: String,
    exporter_type: &'static str,
    options: OnceLock<Options>,
    counts: Arc<Counts>,
    log: SelfLog,
    closing: ShutdownSignal,
}

impl ExportState {
    /// Creates the state of a span exporter. `exporter_type` is its name in the semantic
    /// conventions, if it has one.
    pub(crate) fn for_spans(
        destination: String,
        exporter_type: &'static str,
        batch: &BatchConfig,
    ) -> Self {
        let limits = (batch.queue, batch.max_bytes);
        Self::new(Signal::Traces, destination, exporter_type, limits, batch.quiet_period)
    }

    /// Creates the state of an exporter of log records.
    pub(crate) fn for_logs(
        destination: String,
        exporter_type: &'static str,
        batch: &BatchConfig,
    ) -> Self {
        let limits = (batch.queue, batch.max_bytes);
        Self::new(Signal::Logs, destination, exporter_type, limits, batch.quiet_period)
    }

    /// Creates the state of a metric exporter, which counts exports.
    pub(crate) fn for_metrics(destination: String, temporality: Temporality) -> Self {
        let signal = match temporality {
            Temporality::Cumulative => Signal::CumulativeMetrics,
            _ => Signal::DeltaMetrics,
        };
        let limits = (MAX_METRIC_EXPORTS, MAX_METRIC_EXPORTS);
        Self::new(signal, destination, "metric_exporter", limits, QUIET_PERIOD)
    }

    fn new(
        signal: Signal,
        destination: String,
        exporter_type: &'static str,
        (max_items, max_bytes): (usize, usize),
        quiet_period: Duration,
    ) -> Self {
        let log = SelfLog::default();
        let on_change = on_change(signal, destination.clone(), log.clone());
        let health = ExportHealth::new(quiet_period);
        Self {
            signal,
            destination,
            exporter_type,
            options: OnceLock::new(),
            counts: Arc::new(Counts::with_health(max_items, max_bytes, health, on_change)),
            log,
            closing: ShutdownSignal::default(),
        }
    }

    /// Sets the options of the exporter, for the status.
    pub(crate) fn set_options(&self, options: Options) {
        let _ = self.options.set(options);
    }

    pub(super) fn options(&self) -> Options {
        self.options.get().cloned().unwrap_or_default()
    }

    pub(crate) fn signal(&self) -> Signal {
        self.signal
    }

    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    pub(crate) fn destination(&self) -> &str {
        &self.destination
    }

    pub(crate) fn exporter_type(&self) -> &'static str {
        self.exporter_type
    }

    pub(crate) fn closing(&self) -> &ShutdownSignal {
        &self.closing
    }

    /// Whether items stay in a queue during a pause that the backend has requested.
    pub(crate) fn has_queue(&self) -> bool {
        matches!(self.signal, Signal::Traces | Signal::Logs)
    }

    /// Sets the subscriber that receives the log lines.
    pub(crate) fn log_to(&self, dispatch: &Dispatch) {
        self.log.set(dispatch);
    }

    /// Writes log lines about the export. They are not exported themselves.
    pub(crate) fn log(&self, write: impl FnOnce()) {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        self.log.log(write);
    }

    /// Returns the loss to report at shutdown. A cumulative metric repeats all earlier exports, so
    /// only the last export counts.
    pub(crate) fn loss(&self) -> Option<ExportLoss> {
        let counted = self.counts.snapshot();
        let is_lost = match self.signal {
            Signal::Traces | Signal::Logs | Signal::DeltaMetrics => {
                counted.lost() + counted.waiting > 0
            }
            Signal::CumulativeMetrics => counted.waiting > 0 || counted.has_failed_last,
        };
        is_lost.then(|| ExportLoss {
            signal: self.signal,
            destination: self.destination.clone(),
            counted,
        })
    }

    /// Counts the start of a metric export.
    pub(crate) fn begin(&self) -> Share {
        match self.counts.reserve(0) {
            Ok(_) => Share { items: 1, bytes: 0 },
            Err(refusal) => {
                self.counts.drop_one(refusal);
                Share::default()
            }
        }
    }

    /// Counts the end of a metric export.
    pub(crate) fn end(&self, export: Share, outcome: Outcome) {
        self.counts.settle(export, outcome);
    }
}

/// Options of an exporter by their names, without secrets.
pub(crate) type Options = BTreeMap<&'static str, String>;

fn on_change(
    signal: Signal,
    destination: String,
    log: SelfLog,
) -> impl Fn(&HealthChange, &str) + Send + Sync + 'static {
    move |change, reason| {
        let (log, destination) = (log.clone(), destination.clone());
        let (change, reason) = (change.clone(), reason.to_owned());
        let write = move || {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            log.log(|| change.log(signal.plural(), &destination, &reason));
        };
        match signal == Signal::Logs && !Context::is_current_telemetry_suppressed() {
            true => log_from_other_thread(write),
            false => write(),
        }
    }
}

/// Writes a log line from another thread. A thread that emits a log record is inside of an event, and
/// an event inside of another one changes the state of per-layer filters. The loss is also counted, so
/// only its line is missing if no thread can be started.
fn log_from_other_thread(write: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name("otel-log-loss".to_owned());
    let _ = thread.spawn(move || contain_log_writer(write));
}

impl fmt::Debug for ExportState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportState")
            .field("destination", &self.destination)
            .field("exporter_type", &self.exporter_type)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(model_checks)))]
mod tests {
    use super::*;

    #[test]
    fn a_failed_export_of_metrics_is_a_loss_unless_a_later_one_repeats_its_values() {
        for (temporality, is_lost) in [(Temporality::Cumulative, false), (Temporality::Delta, true)]
        {
            let state = ExportState::for_metrics("nowhere".to_owned(), temporality);
            for (outcome, is_lost) in
                [(Outcome::failed("refused"), true), (Outcome::delivered(), is_lost)]
            {
                let export = state.begin();
                assert!(state.loss().is_some(), "it waits");
                state.end(export, outcome);
                assert_eq!(state.loss().is_some(), is_lost, "{temporality:?}");
            }
        }
    }
}
