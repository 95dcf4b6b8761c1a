//! Requests in flight by service.

use std::collections::BTreeMap;

use crate::{
    model::{Nanos, PointValue},
    store::{Instrument, RunningRequest, Snapshot},
};

/// Metric of the semantic conventions for HTTP.
const METRIC: &str = "http.server.active_requests";
/// Maximum age of a sample of the metric, in nanoseconds.
const OLDEST_SAMPLE: Nanos = 120_000_000_000;

/// Returns the number of requests in flight of each service. For this process it is computed from
/// the table of running requests, and for others from the last value of
/// `http.server.active_requests`.
pub fn in_flight(
    snapshot: &Snapshot<'_>,
    running: &[RunningRequest],
    now: Nanos,
) -> BTreeMap<String, u64> {
    let metrics = snapshot.instruments().filter(|(key, _)| &*key.name == METRIC);
    let mut counts: BTreeMap<String, u64> = metrics
        .map(|(key, instrument)| (key.service.to_string(), last_sum(instrument, now)))
        .collect();
    let mut listed: BTreeMap<String, u64> = BTreeMap::new();
    for request in running {
        *listed.entry(request.service.to_string()).or_default() += 1;
    }
    counts.extend(listed);
    counts
}

fn last_sum(instrument: &Instrument, now: Nanos) -> u64 {
    let last = instrument.series.iter().filter_map(|series| series.samples.back());
    let recent = last.filter(|sample| sample.time.saturating_add(OLDEST_SAMPLE) >= now);
    let values = recent.map(|sample| match &sample.value {
        PointValue::Number(value) => value.max(0.0),
        _ => 0.0,
    });
    values.sum::<f64>() as u64
}
