use std::fmt;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};

use crate::testing::tree::expected::shown;

/// One series of an instrument.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MetricPoint {
    /// Name of the instrumentation scope.
    pub scope: String,
    /// Name of the instrument.
    pub name: String,
    /// Unit of the instrument.
    pub unit: String,
    /// Labels of the series.
    pub labels: Vec<KeyValue>,
    /// Value of the series.
    pub value: PointValue,
}

/// Value of a series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PointValue {
    /// Value of a counter.
    Sum(f64),
    /// Last value of a gauge.
    Gauge(f64),
    /// Measurements of a histogram.
    Histogram {
        /// Number of measurements.
        count: u64,
        /// Sum of the measurements.
        sum: f64,
        /// Upper boundaries of the buckets, empty if the histogram is exponential.
        bounds: Vec<f64>,
    },
}

impl MetricPoint {
    pub(super) fn sum(&self) -> f64 {
        match self.value {
            PointValue::Sum(value) | PointValue::Gauge(value) => value,
            PointValue::Histogram { sum, .. } => sum,
        }
    }
}

impl fmt::Display for MetricPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            PointValue::Sum(value) | PointValue::Gauge(value) => write!(f, "{value}")?,
            PointValue::Histogram { count, sum, .. } => write!(f, "count {count}, sum {sum}")?,
        }
        write!(f, " {}", self.unit)?;
        let labels = &self.labels;
        labels.iter().try_for_each(|it| write!(f, "  {}={}", it.key.as_str(), shown(&it.value)))
    }
}

/// Returns all series that a reader has collected.
pub(super) fn all(collected: &ResourceMetrics) -> Vec<MetricPoint> {
    let metrics = collected.scope_metrics().flat_map(|of| of.metrics().map(|it| (of.scope(), it)));
    metrics.flat_map(|(scope, metric)| of_metric(scope.name(), metric)).collect()
}

/// A number of an instrument. Those beyond 2^53 are rounded.
trait Number: Copy {
    fn as_f64(self) -> f64;
}

impl Number for f64 {
    fn as_f64(self) -> f64 {
        self
    }
}

impl Number for i64 {
    fn as_f64(self) -> f64 {
        self as f64
    }
}

impl Number for u64 {
    fn as_f64(self) -> f64 {
        self as f64
    }
}

fn of_metric(scope: &str, metric: &Metric) -> Vec<MetricPoint> {
    match metric.data() {
        AggregatedMetrics::F64(data) => of_data(scope, metric, data),
        AggregatedMetrics::I64(data) => of_data(scope, metric, data),
        AggregatedMetrics::U64(data) => of_data(scope, metric, data),
    }
}

fn of_data<T: Number>(scope: &str, metric: &Metric, data: &MetricData<T>) -> Vec<MetricPoint> {
    let point = |labels: &mut dyn Iterator<Item = &KeyValue>, value| MetricPoint {
        scope: scope.to_owned(),
        name: metric.name().to_owned(),
        unit: metric.unit().to_owned(),
        labels: labels.cloned().collect(),
        value,
    };
    match data {
        MetricData::Sum(sum) => {
            let points = sum.data_points();
            points
                .map(|it| point(&mut it.attributes(), PointValue::Sum(it.value().as_f64())))
                .collect()
        }
        MetricData::Gauge(gauge) => {
            let points = gauge.data_points();
            points
                .map(|it| point(&mut it.attributes(), PointValue::Gauge(it.value().as_f64())))
                .collect()
        }
        MetricData::Histogram(histogram) => {
            let points = histogram.data_points().map(|it| {
                let (count, sum, bounds) = (it.count(), it.sum().as_f64(), it.bounds().collect());
                point(&mut it.attributes(), PointValue::Histogram { count, sum, bounds })
            });
            points.collect()
        }
        MetricData::ExponentialHistogram(histogram) => {
            let points = histogram.data_points().map(|it| {
                let (count, sum) = (it.count() as u64, it.sum().as_f64());
                let value = PointValue::Histogram { count, sum, bounds: Vec::new() };
                point(&mut it.attributes(), value)
            });
            points.collect()
        }
    }
}
