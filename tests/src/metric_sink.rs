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

use crate::sink::PATIENCE;

/// Where the metrics of one test end, without globals. Clones share it.
#[derive(Clone)]
pub struct MetricSink {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

/// One series of an instrument.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, Value>,
    /// How often it was recorded; of a counter, once.
    pub count: u64,
    /// What was recorded, all together.
    pub sum: f64,
    /// The upper boundaries of its buckets.
    pub bounds: Vec<f64>,
}

impl MetricSink {
    /// An empty sink.
    pub fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        Self { provider, exporter }
    }

    /// A provider that records here.
    pub const fn provider(&self) -> &SdkMeterProvider {
        &self.provider
    }

    /// Name and unit of every instrument that has recorded anything.
    pub fn instruments(&self) -> Vec<(String, String)> {
        self.read(|metrics| {
            metrics.map(|it| (it.name().to_owned(), it.unit().to_owned())).collect()
        })
    }

    /// All series of the instrument `name`.
    pub fn series(&self, name: &str) -> Vec<Series> {
        self.read(|metrics| metrics.filter(|it| it.name() == name).flat_map(series_of).collect())
    }

    /// Waits until the histogram `name` has been recorded `count` times, and answers its series.
    ///
    /// # Panics
    ///
    /// When that takes too long, or it was recorded more often.
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

    /// Waits for the only series of a histogram that is recorded once.
    pub async fn only(&self, name: &str) -> Series {
        self.wait_for(name, 1).await.remove(0)
    }

    /// What the counter `name` stands at, over all series.
    pub fn total(&self, name: &str) -> f64 {
        self.series(name).iter().map(|it| it.sum).sum()
    }

    fn read<R>(&self, read: impl FnOnce(&mut dyn Iterator<Item = &Metric>) -> R) -> R {
        self.exporter.reset();
        self.provider.force_flush().expect("the reader is there");
        let collected = self.exporter.get_finished_metrics().expect("a lock nobody poisons");
        let scopes = collected.iter().flat_map(|resource| resource.scope_metrics());
        read(&mut scopes.flat_map(|scope| scope.metrics()))
    }
}

/// Lets servers of this thread and of others run.
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

/// A label may stand there once.
fn labels<'a>(labels: impl Iterator<Item = &'a KeyValue>) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for label in labels {
        let before = all.insert(label.key.to_string(), label.value.clone());
        assert_eq!(before, None, "{label:?} stands there twice");
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
