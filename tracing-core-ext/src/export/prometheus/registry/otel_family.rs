//! Metrics of OpenTelemetry as families of Prometheus.
//!
//! OpenTelemetry, "Prometheus and OpenMetrics Compatibility", "OTLP Metric points to Prometheus".

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::{
    InstrumentKind,
    data::{AggregatedMetrics, HistogramDataPoint, Metric, MetricData},
};
use prometheus::proto::{self, Bucket, Counter, Gauge, MetricFamily};

use crate::export::prometheus::format::{
    family::{Labels, family, metric, sorted_labels},
    labels, name,
};

/// Returns the family of a metric whose series have these labels of their scope, or `None` for
/// exponential histograms, which neither format can represent.
pub(crate) fn from_otel(metric: &Metric, scope: &Labels) -> Option<MetricFamily> {
    let (kind, mut series) = match metric.data() {
        AggregatedMetrics::F64(data) => series(data, scope, |value| value),
        AggregatedMetrics::U64(data) => series(data, scope, |value| value as f64),
        AggregatedMetrics::I64(data) => series(data, scope, |value| value as f64),
    }?;
    series.sort_by_cached_key(sorted_labels);
    let name = name::metric_name(metric.name(), metric.unit(), kind);
    Some(family(name::metric_type(kind), &name, metric.description(), series))
}

fn series<T: Copy>(
    data: &MetricData<T>,
    scope: &Labels,
    to_f64: fn(T) -> f64,
) -> Option<(InstrumentKind, Vec<proto::Metric>)> {
    let labels = |attributes: &mut dyn Iterator<Item = &KeyValue>| {
        labels::of_series(attributes.map(labels::pair), scope)
    };
    Some(match data {
        MetricData::Gauge(data) => {
            let points = data.data_points();
            let points = points.map(|it| gauge(labels(&mut it.attributes()), to_f64(it.value())));
            (InstrumentKind::Gauge, points.collect())
        }
        MetricData::Sum(sum) if sum.is_monotonic() => {
            let points = sum.data_points();
            let points = points.map(|it| counter(labels(&mut it.attributes()), to_f64(it.value())));
            (InstrumentKind::Counter, points.collect())
        }
        MetricData::Sum(sum) => {
            let points = sum.data_points();
            let points = points.map(|it| gauge(labels(&mut it.attributes()), to_f64(it.value())));
            (InstrumentKind::UpDownCounter, points.collect())
        }
        MetricData::Histogram(data) => {
            let points = data.data_points();
            let points = points.map(|it| histogram(labels(&mut it.attributes()), it, to_f64));
            (InstrumentKind::Histogram, points.collect())
        }
        MetricData::ExponentialHistogram(_) => return None,
    })
}

fn gauge(labels: Labels, value: f64) -> proto::Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = metric(labels);
    metric.set_gauge(gauge);
    metric
}

fn counter(labels: Labels, value: f64) -> proto::Metric {
    let mut counter = Counter::default();
    counter.set_value(value);
    let mut metric = metric(labels);
    metric.set_counter(counter);
    metric
}

fn histogram<T: Copy>(
    labels: Labels,
    point: &HistogramDataPoint<T>,
    to_f64: fn(T) -> f64,
) -> proto::Metric {
    let mut histogram = proto::Histogram::default();
    histogram.set_sample_count(point.count());
    histogram.set_sample_sum(to_f64(point.sum()));
    let mut below = 0;
    let buckets = point.bounds().zip(point.bucket_counts()).map(|(bound, count)| {
        below += count;
        bucket(bound, below)
    });
    histogram.set_bucket(buckets.collect());
    let mut metric = metric(labels);
    metric.set_histogram(histogram);
    metric
}

fn bucket(bound: f64, count: u64) -> Bucket {
    let mut bucket = Bucket::default();
    bucket.set_upper_bound(bound);
    bucket.set_cumulative_count(count);
    bucket
}
