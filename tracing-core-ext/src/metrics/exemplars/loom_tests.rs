//! Model checks of measurements and scrapes at the same time.

use loom::thread::{self, JoinHandle};
use opentelemetry::trace::TraceFlags;

use super::{tests::span, *};
use crate::base::sync::check;

fn histogram() -> Arc<HistogramExemplars> {
    let scope = InstrumentationScope::builder("test").build();
    Exemplars::default().histogram(&scope, "duration", "s", &[1.0])
}

/// Measures on two threads at once.
fn measured(ids: [u8; 2]) -> Arc<HistogramExemplars> {
    let histogram = histogram();
    let threads = ids.map(|id| measuring(&histogram, id));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    histogram
}

fn measuring(histogram: &Arc<HistogramExemplars>, id: u8) -> JoinHandle<()> {
    let histogram = Arc::clone(histogram);
    thread::spawn(move || {
        let span = span(id, TraceFlags::SAMPLED);
        let attributes = [KeyValue::new("http.route", "/a")];
        histogram.record(&attributes, f64::from(id) / 10.0, &span, SystemTime::UNIX_EPOCH);
    })
}

/// Returns the exemplar of the bucket up to `bound` in the only series. Its parts are of one measurement.
fn exemplar(histogram: &HistogramExemplars, bound: f64) -> Option<Exemplar> {
    let mut all = histogram.all_series();
    assert!(all.len() <= 1, "{all:?}");
    let found = all.pop()?.1.up_to(bound)?;
    let id = found.span_id.to_bytes()[0];
    let whole = span(id, TraceFlags::SAMPLED);
    assert_eq!((found.trace_id, found.value), (whole.trace_id(), f64::from(id) / 10.0));
    Some(found)
}

#[test]
fn two_measurements_of_a_new_series_are_in_one_series() {
    check(|| {
        let histogram = measured([1, 20]);
        assert!(exemplar(&histogram, 1.0).is_some());
        assert!(exemplar(&histogram, f64::INFINITY).is_some());
    });
}

#[test]
fn of_two_measurements_in_one_bucket_one_is_the_exemplar() {
    check(|| assert!(exemplar(&measured([1, 2]), 1.0).is_some()));
}

#[test]
fn a_scrape_reads_a_whole_exemplar_or_none() {
    check(|| {
        let histogram = histogram();
        let threads = [measuring(&histogram, 1), measuring(&histogram, 2)];
        exemplar(&histogram, 1.0);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        exemplar(&histogram, 1.0);
    });
}
