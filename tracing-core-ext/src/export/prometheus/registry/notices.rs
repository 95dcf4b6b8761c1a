use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Warnings that are logged once for each metric, however often they occur.
#[derive(Debug, Default)]
pub(crate) struct WarnOnce {
    warned: Mutex<HashSet<(Kind, String)>>,
    count: AtomicU64,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Kind {
    Skipped,
    Overflowed,
    NameConflict,
    MetersFailed,
}

/// Maximum number of warnings. Further ones are counted but not logged.
const MOST: usize = 1_000;

impl WarnOnce {
    /// Warns that a metric, or some of its samples, is omitted from a scrape.
    pub(crate) fn skipped(&self, metric: &str, reason: &str) {
        self.count.fetch_add(1, Ordering::Relaxed);
        if self.is_new(Kind::Skipped, metric) {
            tracing::warn!(
                "the metric {metric:?} is left out of what Prometheus scrapes: {reason}"
            );
        }
    }

    /// Warns that an instrument has reached its maximum number of series.
    pub(crate) fn overflowed(&self, metric: &str) {
        if self.is_new(Kind::Overflowed, metric) {
            tracing::warn!(
                "the metric {metric:?} has more series than its limit; all others are counted in one, \
                 labelled otel_metric_overflow=\"true\""
            );
        }
    }

    /// Counts a metric that is omitted from a scrape because of a conflict that was logged before.
    pub(crate) fn skipped_conflict(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Logs that the SDK collects no further metrics.
    pub(crate) fn meters_failed(&self, reason: &str) {
        if self.is_new(Kind::MetersFailed, "") {
            tracing::error!(
                "no metrics are scraped any more, and each scrape is answered by 500: the OpenTelemetry SDK collects none \
                 ({reason}); an observable callback that panics has this effect, if it was registered without the \
                 provider of Telemetry"
            );
        }
    }

    /// Warns that two instruments are exposed as one metric. Metrics that are omitted because of it
    /// are not logged again.
    pub(crate) fn name_conflict(&self, metric: &str, instrument: &str, other: &str) {
        self.is_new(Kind::Skipped, metric);
        if self.is_new(Kind::NameConflict, metric) {
            tracing::warn!(
                "the instrument {instrument} is the metric {metric:?} for Prometheus, which {other} is \
                 already; what does not fit together is left out: rename one of them"
            );
        }
    }

    /// Returns the number of omissions.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn is_new(&self, kind: Kind, metric: &str) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.len() < MOST && warned.insert((kind, metric.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;
    use tracing_subscriber::{fmt::writer::BoxMakeWriter, layer::SubscriberExt};

    use crate::export::prometheus::registry::notices::*;
    use crate::telemetry::log_format::tests::CapturedLines;

    #[test]
    fn each_metric_is_told_of_once_and_counted_every_time() {
        let lines = CapturedLines::default();
        let layer = tracing_subscriber::fmt::layer().with_writer(BoxMakeWriter::new(lines.clone()));
        let notices = WarnOnce::default();
        with_default(tracing_subscriber::registry().with(layer), || {
            for _ in 0..3 {
                notices.skipped("a", "it is bad");
                notices.skipped("b", "it is bad");
                notices.overflowed("a");
            }
        });
        let lines = lines.all();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(
            lines[0]
                .ends_with("the metric \"a\" is left out of what Prometheus scrapes: it is bad")
        );
        assert_eq!(notices.count(), 6);
    }

    #[test]
    fn metrics_that_are_remembered_are_bounded_in_number_and_all_are_counted() {
        let notices = WarnOnce::default();
        for metric in 0..3 * MOST {
            notices.skipped(&metric.to_string(), "it is bad");
        }
        assert_eq!(notices.warned.lock().unwrap().len(), MOST);
        assert_eq!(notices.count(), 3 * MOST as u64);
    }
}
