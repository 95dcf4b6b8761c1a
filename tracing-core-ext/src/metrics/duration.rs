//! Histograms of durations.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Histogram, Meter},
    trace::SpanContext,
};

use super::exemplars::{self, HistogramExemplars};

/// Boundaries of a duration in seconds, as the conventions recommend.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Histogram of durations. It has exemplars if Prometheus scrapes it.
pub(super) struct DurationHistogram {
    histogram: Histogram<f64>,
    exemplars: Option<Arc<HistogramExemplars>>,
}

impl DurationHistogram {
    /// Creates the histogram with `meter`, which is that of `scope`.
    pub(super) fn new(
        meter: &Meter,
        scope: &InstrumentationScope,
        name: &'static str,
        side: &str,
    ) -> Self {
        Self {
            histogram: meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(format!("Duration of HTTP {side} requests."))
                .with_boundaries(SECONDS.into())
                .build(),
            exemplars: exemplars::global_exemplars()
                .map(|exemplars| exemplars.histogram(scope, name, "s", &SECONDS)),
        }
    }

    /// Records a duration. `ended` is called only if the span becomes an exemplar.
    pub(super) fn record(
        &self,
        duration: Duration,
        labels: &[KeyValue],
        span: &SpanContext,
        ended: impl FnOnce() -> SystemTime,
    ) {
        let seconds = duration.as_secs_f64();
        self.histogram.record(seconds, labels);
        if let Some(exemplars) = self.exemplars.as_ref().filter(|_| span.is_sampled()) {
            exemplars.record(labels, seconds, span, ended());
        }
    }
}
