//! Rates, errors and percentiles of operations.

use std::collections::BTreeMap;

use crate::{
    model::{Nanos, now},
    store::{OperationId, Request, Snapshot},
};

/// Number of intervals of a sparkline.
pub(crate) const INTERVALS: usize = 48;
const SECOND: u64 = 1_000_000_000;

/// Interval of time of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First time.
    pub from: Nanos,
    /// Last time.
    pub to: Nanos,
}

/// Figures of all operations.
#[derive(Clone, Debug)]
pub struct Overview {
    /// All requests.
    pub total: Row,
    /// Figures of each operation, sorted by service, busiest operation first.
    pub rows: Vec<Row>,
}

/// Figures of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Service.
    pub service: String,
    /// Method and route, or name of the span.
    pub operation: String,
    /// Number of requests.
    pub count: usize,
    /// Number of failed requests.
    pub failed: usize,
    /// Requests per second.
    pub rate: f64,
    /// Percentiles of the duration: 50, 95, 99, in nanoseconds.
    pub percentiles: [u64; 3],
    /// Requests of each interval.
    pub counts: Vec<u32>,
    /// Failed requests of each interval.
    pub failures: Vec<u32>,
}

impl Window {
    /// Names and lengths of the windows that a page offers, in seconds.
    pub const CHOICES: [(&str, u64); 5] =
        [("5m", 300), ("15m", 900), ("1h", 3_600), ("6h", 21_600), ("24h", 86_400)];

    /// Returns the window with this name that ends now.
    pub fn last(name: &str) -> Option<Self> {
        let (_, seconds) = Self::CHOICES.into_iter().find(|(known, _)| *known == name)?;
        let to = now();
        Some(Self { from: to.saturating_sub(seconds * SECOND), to })
    }

    /// Returns the window of everything that is stored.
    pub fn all() -> Self {
        Self { from: 0, to: Nanos::MAX }
    }

    /// Whether the time is in the window.
    pub fn contains(&self, time: Nanos) -> bool {
        (self.from..=self.to).contains(&time)
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.to.saturating_sub(self.from).max(1) as f64 / SECOND as f64
    }

    /// Returns the index of the interval that contains this time, if the window is divided into
    /// `intervals`.
    pub fn interval(&self, time: Nanos, intervals: usize) -> usize {
        let length = self.to.saturating_sub(self.from).max(1);
        let position = u128::from(time.saturating_sub(self.from)) * intervals as u128;
        ((position / u128::from(length)) as usize).min(intervals - 1)
    }

    /// Returns the window from the first to the last of the times, if this window has no start.
    fn shrink(self, times: impl Iterator<Item = Nanos>) -> Self {
        if self.from > 0 {
            return self;
        }
        let (from, to) =
            times.fold((Nanos::MAX, 0), |(from, to), time| (from.min(time), to.max(time)));
        Self { from: from.min(to), to }
    }
}

/// Computes the figures of each operation from the requests of this window.
pub fn overview(snapshot: &Snapshot<'_>, window: Window) -> Overview {
    let requests = || snapshot.requests().filter(|request| window.contains(request.start));
    let window = window.shrink(requests().map(|request| request.start));
    let mut groups: BTreeMap<OperationId, Vec<&Request>> = BTreeMap::new();
    for request in requests() {
        groups.entry(request.operation).or_default().push(request);
    }
    let mut rows: Vec<Row> = groups
        .into_iter()
        .map(|(id, requests)| {
            let operation = snapshot.operation(id);
            row(&operation.service, &operation.name, &requests, window)
        })
        .collect();
    rows.sort_by(|a, b| a.service.cmp(&b.service).then(b.count.cmp(&a.count)));
    Overview { total: row("", "", &requests().collect::<Vec<_>>(), window), rows }
}

fn row(service: &str, operation: &str, requests: &[&Request], window: Window) -> Row {
    let (mut counts, mut failures) = (vec![0; INTERVALS], vec![0; INTERVALS]);
    for request in requests {
        let interval = window.interval(request.start, INTERVALS);
        counts[interval] += 1;
        failures[interval] += u32::from(request.failed);
    }
    let mut durations: Vec<u64> = requests.iter().map(|request| request.duration).collect();
    durations.sort_unstable();
    Row {
        service: service.to_owned(),
        operation: operation.to_owned(),
        count: requests.len(),
        failed: requests.iter().filter(|request| request.failed).count(),
        rate: requests.len() as f64 / window.seconds(),
        percentiles: [0.5, 0.95, 0.99].map(|quantile| percentile(&durations, quantile)),
        counts,
        failures,
    }
}

/// Returns the nearest-rank percentile of sorted durations.
pub(super) fn percentile(sorted: &[u64], quantile: f64) -> u64 {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Status, store::Store, testing::span};

    #[test]
    fn operations_have_rate_errors_and_percentiles() {
        let store = Store::default();
        let mut spans: Vec<_> = (0..100).map(|_| span("gateway", "GET /a")).collect();
        for (number, span) in spans.iter_mut().enumerate() {
            span.start = now() - 60 * SECOND;
            span.end = span.start + (number as u64 + 1) * 1_000_000;
        }
        spans[7].status = Status::Error;
        spans.push(span("pricing", "GET /long-ago"));
        store.add_spans(spans);
        let overview = overview(&store.read(), Window::last("5m").unwrap());
        assert_eq!(overview.rows.len(), 1);
        let row = &overview.rows[0];
        assert_eq!((row.count, row.failed), (100, 1));
        assert_eq!(row.percentiles, [50_000_000, 95_000_000, 99_000_000]);
        assert!((row.rate - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!((row.counts.iter().sum::<u32>(), row.failures.iter().sum::<u32>()), (100, 1));
    }

    #[test]
    fn times_of_1970_and_2100_have_an_interval() {
        let store = Store::default();
        let mut spans = vec![span("gateway", "old"), span("gateway", "new")];
        (spans[0].start, spans[0].end) = (0, u64::MAX);
        (spans[1].start, spans[1].end) = (u64::MAX, u64::MAX);
        store.add_spans(spans);
        let overview = overview(&store.read(), Window::all());
        assert_eq!((overview.total.counts[0], overview.total.counts[INTERVALS - 1]), (1, 1));
    }
}
