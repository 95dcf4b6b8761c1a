//! The last trace of each bucket of a histogram. The SDK does not keep it.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, TryLockError},
    time::SystemTime,
};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, TraceId},
};

use crate::base::sync::{Mutex, RwLock};

/// Maximum number of series of one histogram that can have exemplars; the SDK's limit of series is the same.
const MAX_SERIES: usize = 2_000;

/// Exemplars of all histograms of one meter provider.
#[derive(Debug, Default)]
pub(crate) struct Exemplars {
    histograms: RwLock<Vec<Arc<HistogramExemplars>>>,
}

/// Exemplars of one histogram.
#[derive(Debug)]
pub(crate) struct HistogramExemplars {
    scope: InstrumentationScope,
    name: String,
    unit: String,
    bounds: Box<[f64]>,
    series: RwLock<HashMap<Box<[KeyValue]>, Arc<SeriesExemplars>>>,
}

/// Exemplars of one series.
#[derive(Debug)]
pub(crate) struct SeriesExemplars {
    bounds: Box<[f64]>,
    /// One for each bound, and one for values above the last bound.
    buckets: Box<[Mutex<Option<Exemplar>>]>,
}

/// Measurement, and the span in which it was made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) value: f64,
    pub(crate) at: SystemTime,
}

static INSTALLED: OnceLock<Arc<Exemplars>> = OnceLock::new();

/// Sets the storage for the exemplars of the global meter provider.
pub(crate) fn set_global_exemplars(exemplars: Arc<Exemplars>) {
    INSTALLED.get_or_init(|| exemplars);
}

/// Returns the exemplars of the global meter provider, if Prometheus scrapes it.
pub(crate) fn global_exemplars() -> Option<Arc<Exemplars>> {
    INSTALLED.get().cloned()
}

impl Exemplars {
    /// Returns the exemplars of the histogram that `meter` of `scope` creates with this name, unit and bounds. A second
    /// call with the same values returns the same histogram.
    pub(crate) fn histogram(
        &self,
        scope: &InstrumentationScope,
        name: &str,
        unit: &str,
        bounds: &[f64],
    ) -> Arc<HistogramExemplars> {
        let new = HistogramExemplars::new(scope, name, unit, bounds);
        let mut histograms = self.histograms.write().unwrap_or_else(PoisonError::into_inner);
        let is_same = |known: &&Arc<HistogramExemplars>| {
            (&known.name, &known.unit, &known.bounds) == (&new.name, &new.unit, &new.bounds)
                && known.scope == new.scope
        };
        if let Some(known) = histograms.iter().find(is_same) {
            return Arc::clone(known);
        }
        let new = Arc::new(new);
        histograms.push(Arc::clone(&new));
        new
    }

    pub(crate) fn histograms(&self) -> Vec<Arc<HistogramExemplars>> {
        self.histograms.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HistogramExemplars {
    fn new(scope: &InstrumentationScope, name: &str, unit: &str, bounds: &[f64]) -> Self {
        Self {
            scope: scope.clone(),
            name: name.to_owned(),
            unit: unit.to_owned(),
            bounds: bounds.into(),
            series: RwLock::default(),
        }
    }

    /// Stores the exemplar of a measurement with these attributes if the span is sampled, because a backend has only
    /// sampled spans.
    pub(crate) fn record(
        &self,
        attributes: &[KeyValue],
        value: f64,
        span: &SpanContext,
        at: SystemTime,
    ) {
        if !span.is_sampled() {
            return;
        }
        if let Some(series) = self.series(attributes) {
            series.record(value, span, at);
        }
    }

    /// Returns the series with these attributes, or `None` if there are too many series.
    pub(crate) fn series(&self, attributes: &[KeyValue]) -> Option<Arc<SeriesExemplars>> {
        let known = self.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = known.get(attributes) {
            return Some(Arc::clone(series));
        }
        drop(known);
        self.new_series(attributes)
    }

    #[cold]
    fn new_series(&self, attributes: &[KeyValue]) -> Option<Arc<SeriesExemplars>> {
        let mut known = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_SERIES {
            return known.get(attributes).cloned();
        }
        let new = || Arc::new(SeriesExemplars::new(&self.bounds));
        Some(Arc::clone(known.entry(attributes.into()).or_insert_with(new)))
    }

    pub(crate) fn scope(&self) -> &InstrumentationScope {
        &self.scope
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn unit(&self) -> &str {
        &self.unit
    }

    /// Returns every series with its attributes.
    pub(crate) fn all_series(&self) -> Vec<(Box<[KeyValue]>, Arc<SeriesExemplars>)> {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        series.iter().map(|(attributes, series)| (attributes.clone(), Arc::clone(series))).collect()
    }
}

impl SeriesExemplars {
    fn new(bounds: &[f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| Mutex::default()).collect();
        Self { bounds: bounds.into(), buckets }
    }

    /// Stores an exemplar. The last one wins. If another thread reads or writes at the same time, the exemplar is
    /// discarded, so that no thread waits.
    pub(crate) fn record(&self, value: f64, span: &SpanContext, at: SystemTime) {
        if !span.is_sampled() {
            return;
        }
        let mut bucket = match self.bucket(value).try_lock() {
            Ok(bucket) => bucket,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let (trace_id, span_id) = (span.trace_id(), span.span_id());
        *bucket = Some(Exemplar { trace_id, span_id, value, at });
    }

    /// Returns the exemplar of the bucket up to `bound`.
    pub(crate) fn up_to(&self, bound: f64) -> Option<Exemplar> {
        let bucket = self.bucket(bound).lock().unwrap_or_else(PoisonError::into_inner);
        bucket.clone()
    }

    fn bucket(&self, value: f64) -> &Mutex<Option<Exemplar>> {
        &self.buckets[self.bounds.partition_point(|bound| *bound < value)]
    }
}

#[cfg(all(test, model_checks))]
mod loom_tests;
#[cfg(test)]
pub(crate) mod tests {
    use opentelemetry::trace::{TraceFlags, TraceState};

    use super::*;

    pub(crate) fn span(id: u8, flags: TraceFlags) -> SpanContext {
        let (trace, span) = (TraceId::from_bytes([id; 16]), SpanId::from_bytes([id; 8]));
        SpanContext::new(trace, span, flags, false, TraceState::NONE)
    }

    fn recorded(values: &[(f64, u8)]) -> SeriesExemplars {
        let series = SeriesExemplars::new(&[1.0, 2.0]);
        for (value, id) in values {
            series.record(*value, &span(*id, TraceFlags::SAMPLED), SystemTime::UNIX_EPOCH);
        }
        series
    }

    #[test]
    fn a_value_is_in_the_bucket_that_counts_it() {
        let series = recorded(&[(1.0, 1), (1.5, 2), (2.5, 3)]);
        let values = [1.0, 2.0, f64::INFINITY].map(|bound| series.up_to(bound).unwrap().value);
        assert_eq!(values, [1.0, 1.5, 2.5]);
    }

    #[test]
    fn the_last_of_a_bucket_wins() {
        let series = recorded(&[(0.5, 1), (0.7, 2)]);
        assert_eq!(series.up_to(1.0).unwrap().span_id, SpanId::from_bytes([2; 8]));
    }

    #[test]
    fn what_is_not_sampled_is_no_exemplar() {
        let series = recorded(&[]);
        series.record(0.5, &span(1, TraceFlags::default()), SystemTime::UNIX_EPOCH);
        assert_eq!(series.up_to(1.0), None);
    }

    #[test]
    fn a_series_that_is_known_costs_no_allocation() {
        let scope = InstrumentationScope::builder("test").build();
        let histogram = Exemplars::default().histogram(&scope, "a", "s", &[1.0]);
        let attributes = [KeyValue::new("http.route", "/a"), KeyValue::new("status", 200)];
        let span = span(1, TraceFlags::SAMPLED);
        let record = || histogram.record(&attributes, 0.5, &span, SystemTime::UNIX_EPOCH);
        record();
        assert_eq!(allocation_counter::measure(record).count_total, 0);
    }

    #[test]
    fn a_histogram_made_twice_is_one_and_has_so_many_series() {
        let exemplars = Exemplars::default();
        let scope = InstrumentationScope::builder("test").build();
        let histogram = exemplars.histogram(&scope, "a.b", "s", &[1.0]);
        let again = exemplars.histogram(&scope, "a.b", "s", &[1.0]);
        assert!(Arc::ptr_eq(&histogram, &again));
        let many = i64::try_from(MAX_SERIES).unwrap() + 10;
        for number in 0..many {
            histogram.series(&[KeyValue::new("number", number)]);
        }
        assert_eq!(histogram.all_series().len(), MAX_SERIES);
        assert!(histogram.series(&[KeyValue::new("number", 1)]).is_some());
        assert!(histogram.series(&[KeyValue::new("number", many)]).is_none());
    }
}
