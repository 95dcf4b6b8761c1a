#[cfg(feature = "prometheus")]
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[cfg(feature = "bound-instruments")]
use opentelemetry::metrics::BoundHistogram;
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Histogram, Meter},
    trace::SpanContext,
};

#[cfg(feature = "bound-instruments")]
use super::bound::{BoundSeries, StaticStr};
#[cfg(feature = "prometheus")]
use crate::export::prometheus::exemplars::{self, HistogramExemplars};
#[cfg(feature = "bound-instruments")]
use crate::semconv::labels::{EndLabels, RequestLabels};

/// Boundaries of a duration in seconds, as the conventions advise.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// A histogram of durations. Where Prometheus scrapes it, traces are remembered as its exemplars.
pub(super) struct DurationHistogram {
    histogram: Histogram<f64>,
    #[cfg(feature = "bound-instruments")]
    bound: Option<BoundSeries<Series, BoundHistogram<f64>>>,
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
        supports_binding: bool,
    ) -> Self {
        #[cfg(not(feature = "bound-instruments"))]
        let _ = supports_binding;
        #[cfg(not(feature = "prometheus"))]
        let _ = scope;
        Self {
            histogram: meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(format!("Duration of HTTP {side} requests."))
                .with_boundaries(SECONDS.into())
                .build(),
            #[cfg(feature = "bound-instruments")]
            bound: supports_binding.then(|| BoundSeries::new(256)),
            #[cfg(feature = "prometheus")]
            exemplars: exemplars::global_exemplars()
                .map(|exemplars| exemplars.histogram(scope, name, "s", &SECONDS)),
        }
    }

    /// Records a duration of a series that needs no list of labels; answers whether it was one.
    #[cfg(feature = "bound-instruments")]
    pub(super) fn record_bound(
        &self,
        duration: Duration,
        request: &RequestLabels,
        end: &EndLabels<'_>,
        span: &SpanContext,
    ) -> bool {
        if self.has_exemplar(span) {
            return false;
        }
        let handle =
            self.bound.as_ref().zip(Series::of(request, end)).and_then(|(bound, series)| {
                bound.handle(series, || {
                    let mut labels = Vec::new();
                    request.push(end, &mut labels);
                    self.histogram.bind(&labels)
                })
            });
        if let Some(handle) = handle {
            handle.record(duration.as_secs_f64());
        }
        handle.is_some()
    }

    #[cfg(any(feature = "bound-instruments", feature = "prometheus"))]
    /// Whether `span` becomes an exemplar.
    fn has_exemplar(&self, span: &SpanContext) -> bool {
        #[cfg(feature = "prometheus")]
        return self.exemplars.is_some() && span.is_sampled();
        #[cfg(not(feature = "prometheus"))]
        {
            let _ = span;
            false
        }
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

/// What tells the series of a server's requests apart.
#[cfg(feature = "bound-instruments")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Series {
    method: StaticStr,
    scheme: Option<StaticStr>,
    route: Option<StaticStr>,
    version: Option<StaticStr>,
    status: Option<u16>,
}

#[cfg(feature = "bound-instruments")]
impl Series {
    /// None of an exchange with labels beyond these.
    fn of(request: &RequestLabels, end: &EndLabels<'_>) -> Option<Self> {
        if request.server.is_some() || request.template.is_some() || end.error_type.is_some() {
            return None;
        }
        Some(Self {
            method: StaticStr(request.method),
            scheme: request.scheme.map(StaticStr),
            route: end.route.map(StaticStr),
            version: end.version.map(|version| StaticStr(version.as_str())),
            status: end.status,
        })
    }
}
