use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, SdkMeterProvider,
    data::{AggregatedMetrics, HistogramDataPoint, Metric, MetricData, SumDataPoint},
};

use super::spans::PATIENCE;

/// Sink of the metrics of one test, without globals. Clones share it.
#[derive(Clone)]
pub struct MetricSink {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
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
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        Self { provider, exporter }
    }

    /// Returns a provider that records into this sink.
    pub const fn provider(&self) -> &SdkMeterProvider {
        &self.provider
    }

    /// Returns name and unit of every instrument with recorded values.
    pub fn instruments(&self) -> Vec<(String, String)> {
        self.read(|metrics| {
            metrics.map(|it| (it.name().to_owned(), it.unit().to_owned())).collect()
        })
    }

    /// Returns all series of the instrument `name`.
    pub fn series(&self, name: &str) -> Vec<Series> {
        self.read(|metrics| metrics.filter(|it| it.name() == name).flat_map(series_of).collect())
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

    fn read<R>(&self, read: impl FnOnce(&mut dyn Iterator<Item = &Metric>) -> R) -> R {
        self.exporter.reset();
        self.provider.force_flush().expect("the reader is there");
        let collected = self.exporter.get_finished_metrics().expect("the lock is not poisoned");
        let scopes = collected.iter().flat_map(|resource| resource.scope_metrics());
        read(&mut scopes.flat_map(|scope| scope.metrics()))
    }
}

/// Lets the tasks of servers run, on this thread and on others.
async fn give_way() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn series_of(metric: &Metric) -> Vec<Series> {
    match metric.data() {
        AggregatedMetrics::F64(MetricData::Histogram(it)) => {
            it.data_points().map(|point| histogram(point, point.sum())).collect()
        }
        AggregatedMetrics::U64(MetricData::Histogram(it)) => {
            it.data_points().map(|point| histogram(point, point.sum() as f64)).collect()
        }
        AggregatedMetrics::I64(MetricData::Sum(it)) => it.data_points().map(counter).collect(),
        other => panic!("no instrument of ours makes {other:?}"),
    }
}

fn histogram<T>(point: &HistogramDataPoint<T>, sum: f64) -> Series {
    Series {
        labels: labels(point.attributes()),
        count: point.count(),
        sum,
        bounds: point.bounds().collect(),
    }
}

fn counter(point: &SumDataPoint<i64>) -> Series {
    let sum = point.value() as f64;
    Series { labels: labels(point.attributes()), count: 1, sum, bounds: Vec::new() }
}

/// Returns the labels, each of which may occur once.
fn labels<'a>(labels: impl Iterator<Item = &'a KeyValue>) -> BTreeMap<String, Value> {
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

impl fmt::Debug for MetricSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricSink")
    }
}
