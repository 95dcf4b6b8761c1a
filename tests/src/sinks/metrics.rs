use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tracing_core_ext::testing::{MetricPoint, PointValue, Receiver};

use super::spans::PATIENCE;

/// Sink of the metrics of one test, without globals. Clones share it.
#[derive(Clone, Debug)]
pub struct MetricSink {
    provider: SdkMeterProvider,
    receiver: Receiver,
}

/// One series of an instrument.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Labels of the series.
    pub labels: BTreeMap<String, Value>,
    /// Number of recorded values; for a counter, 1.
    pub count: u64,
    /// Sum of the recorded values.
    pub sum: f64,
    /// Upper boundaries of the buckets.
    pub bounds: Vec<f64>,
}

impl MetricSink {
    /// Creates an empty sink.
    pub fn new() -> Self {
        let receiver = Receiver::new();
        let provider = SdkMeterProvider::builder().with_reader(receiver.metric_reader()).build();
        Self { provider, receiver }
    }

    /// Returns a provider that records into this sink.
    pub const fn provider(&self) -> &SdkMeterProvider {
        &self.provider
    }

    /// Returns name and unit of every instrument with recorded values.
    pub fn instruments(&self) -> Vec<(String, String)> {
        let points = self.receiver.metric_points().into_iter();
        let mut all: Vec<_> = points.map(|point| (point.scope, point.name, point.unit)).collect();
        all.dedup();
        all.into_iter().map(|(_, name, unit)| (name, unit)).collect()
    }

    /// Returns all series of the instrument `name`.
    pub fn series(&self, name: &str) -> Vec<Series> {
        let points = self.receiver.metric_points().into_iter();
        points.filter(|point| point.name == name).map(series).collect()
    }

    /// Waits until the histogram `name` has `count` values, and returns its series.
    ///
    /// # Panics
    ///
    /// If that takes too long, or if there are more values.
    pub async fn wait_for(&self, name: &str, count: u64) -> Vec<Series> {
        let started = Instant::now();
        loop {
            let series = self.series(name);
            let recorded: u64 = series.iter().map(|it| it.count).sum();
            if recorded >= count {
                assert_eq!(recorded, count, "{series:#?}");
                return series;
            }
            assert!(started.elapsed() < PATIENCE, "waited for {count} of {name}: {series:#?}");
            give_way().await;
        }
    }

    /// Waits for the only series of a histogram with one value.
    pub async fn only(&self, name: &str) -> Series {
        self.wait_for(name, 1).await.remove(0)
    }

    /// Returns the value of the counter `name`, summed over all series.
    pub fn total(&self, name: &str) -> f64 {
        self.series(name).iter().map(|it| it.sum).sum()
    }
}

/// Lets the tasks of servers run, on this thread and on others.
async fn give_way() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn series(point: MetricPoint) -> Series {
    let (count, sum, bounds) = match point.value {
        PointValue::Histogram { count, sum, bounds } => (count, sum, bounds),
        PointValue::Sum(value) => (1, value, Vec::new()),
        other => panic!("no instrument of ours makes {other:?}"),
    };
    Series { labels: labels(point.labels), count, sum, bounds }
}

/// Returns the labels, each of which may occur once.
fn labels(labels: Vec<KeyValue>) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for label in labels {
        let before = all.insert(label.key.to_string(), label.value.clone());
        assert_eq!(before, None, "{label:?} occurs twice");
    }
    all
}

impl Default for MetricSink {
    fn default() -> Self {
        Self::new()
    }
}
