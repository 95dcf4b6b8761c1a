#[cfg(feature = "prometheus")]
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Histogram, Meter},
    trace::SpanContext,
};

#[cfg(feature = "prometheus")]
use crate::export::prometheus::exemplars::{self, HistogramExemplars};

/// Boundaries of a duration in seconds, as the conventions advise.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// A histogram of durations. Where Prometheus scrapes it, traces are remembered as its exemplars.
pub(super) struct DurationHistogram {
    histogram: Histogram<f64>,
    #[cfg(feature = "prometheus")]
    exemplars: Option<Arc<HistogramExemplars>>,
}

impl DurationHistogram {
    /// `meter` is that of `scope`.
    pub(super) fn new(
        meter: &Meter,
        scope: &InstrumentationScope,
        name: &'static str,
        side: &str,
    ) -> Self {
        #[cfg(not(feature = "prometheus"))]
        let _ = scope;
        Self {
            histogram: meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(format!("Duration of HTTP {side} requests."))
                .with_boundaries(SECONDS.into())
                .build(),
            #[cfg(feature = "prometheus")]
            exemplars: exemplars::global_exemplars()
                .map(|exemplars| exemplars.histogram(scope, name, "s", &SECONDS)),
        }
    }

    /// Whether `span` becomes an exemplar.
    #[cfg(feature = "prometheus")]
    fn has_exemplar(&self, span: &SpanContext) -> bool {
        self.exemplars.is_some() && span.is_sampled()
    }

    /// `ended` is only asked where the span can be looked up.
    pub(super) fn record(
        &self,
        duration: Duration,
        labels: &[KeyValue],
        span: &SpanContext,
        ended: impl FnOnce() -> SystemTime,
    ) {
        let seconds = duration.as_secs_f64();
        self.histogram.record(seconds, labels);
        #[cfg(feature = "prometheus")]
        if let Some(exemplars) = self.exemplars.as_ref().filter(|_| self.has_exemplar(span)) {
            exemplars.record(labels, seconds, span, ended());
        }
        #[cfg(not(feature = "prometheus"))]
        let _ = (span, ended);
    }
}
