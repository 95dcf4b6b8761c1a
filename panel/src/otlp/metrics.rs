//! Conversion of the metric points of a request.

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::KeyValue,
    metrics::v1::{
        self as proto, AggregationTemporality, exemplar, exponential_histogram_data_point::Buckets,
        metric::Data, number_data_point,
    },
};

use super::reader::{MOST_ENTRIES, Reader};
use crate::model::{
    Exemplar, Histogram, Interner, MetricKind, MetricPoint, PointValue, Resource, Sample, Scope,
    SpanId, TraceId,
};

/// Attributes and sample of a point, before the names of the metric are added.
type Part = (Vec<KeyValue>, Sample);

/// Returns the points, the number of invalid ones, and the number of truncated values.
pub(super) fn read(
    interner: &mut Interner,
    request: ExportMetricsServiceRequest,
) -> (Vec<MetricPoint>, usize, usize) {
    let mut reader = Reader::new(interner);
    let (mut points, mut invalid) = (Vec::new(), 0);
    for of_resource in request.resource_metrics {
        let resource = reader.resource(of_resource.resource, &of_resource.schema_url);
        for of_scope in of_resource.scope_metrics {
            let scope = reader.scope(of_scope.scope, &of_scope.schema_url);
            for metric in of_scope.metrics {
                invalid += read_metric(&mut reader, &resource, &scope, metric, &mut points);
            }
        }
    }
    (points, invalid, reader.truncated)
}

fn read_metric(
    reader: &mut Reader<'_>,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
    metric: proto::Metric,
    points: &mut Vec<MetricPoint>,
) -> usize {
    let Some((kind, parts)) = metric.data.map(read_data) else { return 0 };
    let (name, unit) = (reader.name(&metric.name), reader.name(&metric.unit));
    let description = reader.text(&metric.description);
    let received = parts.len();
    let before = points.len();
    points.extend(parts.into_iter().flatten().map(|(attributes, sample)| MetricPoint {
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        name: Arc::clone(&name),
        description: Arc::clone(&description),
        unit: Arc::clone(&unit),
        kind,
        attributes: reader.attributes(attributes, 0).0,
        sample,
    }));
    received - (points.len() - before)
}

fn read_data(data: Data) -> (MetricKind, Vec<Option<Part>>) {
    match data {
        Data::Gauge(gauge) => {
            (MetricKind::Gauge, gauge.data_points.into_iter().map(read_number).collect())
        }
        Data::Sum(sum) => {
            let cumulative = is_cumulative(sum.aggregation_temporality);
            let kind = MetricKind::Sum { monotonic: sum.is_monotonic, cumulative };
            (kind, sum.data_points.into_iter().map(read_number).collect())
        }
        Data::Histogram(histogram) => {
            let cumulative = is_cumulative(histogram.aggregation_temporality);
            let points = histogram.data_points.into_iter().map(read_histogram);
            (MetricKind::Histogram { cumulative }, points.collect())
        }
        Data::ExponentialHistogram(histogram) => {
            let cumulative = is_cumulative(histogram.aggregation_temporality);
            let points = histogram.data_points.into_iter().map(read_exponential);
            (MetricKind::Histogram { cumulative }, points.collect())
        }
        Data::Summary(summary) => {
            (MetricKind::Summary, summary.data_points.into_iter().map(read_summary).collect())
        }
    }
}

fn is_cumulative(temporality: i32) -> bool {
    temporality == AggregationTemporality::Cumulative as i32
}

fn read_number(point: proto::NumberDataPoint) -> Option<Part> {
    let value = match point.value? {
        number_data_point::Value::AsDouble(number) => number,
        number_data_point::Value::AsInt(number) => number as f64,
    };
    let sample = Sample {
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: PointValue::Number(value),
        exemplars: exemplars(point.exemplars),
    };
    Some((point.attributes, sample))
}

fn read_histogram(point: proto::HistogramDataPoint) -> Option<Part> {
    let (bounds, counts) = (point.explicit_bounds, point.bucket_counts);
    let is_valid = counts.len() == bounds.len() + 1 && bounds.is_sorted() || counts.is_empty();
    if !is_valid || bounds.len() > MOST_ENTRIES {
        return None;
    }
    let histogram = Histogram {
        count: point.count,
        sum: point.sum,
        bounds: if counts.is_empty() { Box::default() } else { bounds.into() },
        counts: counts.into(),
    };
    let sample = Sample {
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: PointValue::Histogram(Box::new(histogram)),
        exemplars: exemplars(point.exemplars),
    };
    Some((point.attributes, sample))
}

fn read_exponential(point: proto::ExponentialHistogramDataPoint) -> Option<Part> {
    let base = 2f64.powf(2f64.powi(-point.scale));
    let positive = point.positive.unwrap_or_default();
    let negative: u64 = point
        .negative
        .iter()
        .flat_map(|buckets| &buckets.bucket_counts)
        .fold(0, |sum, count| u64::saturating_add(sum, *count));
    let (bounds, counts) = exponential_buckets(&positive, base, point.zero_count, negative)?;
    let histogram = Histogram {
        count: point.count,
        sum: point.sum,
        bounds: bounds.into(),
        counts: counts.into(),
    };
    let sample = Sample {
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: PointValue::Histogram(Box::new(histogram)),
        exemplars: exemplars(point.exemplars),
    };
    Some((point.attributes, sample))
}

/// Converts exponential buckets. The bucket with index `i` has the bounds `base^i` and
/// `base^(i+1)`. Zero and negative values are in the first bucket.
fn exponential_buckets(
    positive: &Buckets,
    base: f64,
    zero: u64,
    negative: u64,
) -> Option<(Vec<f64>, Vec<u64>)> {
    let buckets = positive.bucket_counts.len();
    let is_valid = base.is_finite() && base > 1.0 && buckets <= MOST_ENTRIES;
    let bound = |index: usize| base.powf(f64::from(positive.offset) + index as f64);
    let bounds: Vec<f64> = (0..=buckets).map(bound).collect();
    let mut counts = vec![zero.saturating_add(negative)];
    counts.extend(&positive.bucket_counts);
    counts.push(0);
    (is_valid && bounds.iter().all(|bound| bound.is_finite())).then_some((bounds, counts))
}

fn read_summary(point: proto::SummaryDataPoint) -> Option<Part> {
    let quantiles = point.quantile_values.iter().take(MOST_ENTRIES);
    let quantiles = quantiles.map(|value| (value.quantile, value.value)).collect();
    let sample = Sample {
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: PointValue::Summary(point.count, point.sum, quantiles),
        exemplars: Box::default(),
    };
    Some((point.attributes, sample))
}

/// Returns the exemplars that have a trace.
fn exemplars(exemplars: Vec<proto::Exemplar>) -> Box<[Exemplar]> {
    let read = |exemplar: proto::Exemplar| {
        let value = match exemplar.value? {
            exemplar::Value::AsDouble(number) => number,
            exemplar::Value::AsInt(number) => number as f64,
        };
        Some(Exemplar {
            time: exemplar.time_unix_nano,
            value,
            trace_id: TraceId::from_slice(&exemplar.trace_id)?,
            span_id: SpanId::from_slice(&exemplar.span_id),
        })
    };
    exemplars.into_iter().take(MOST_ENTRIES).filter_map(read).collect()
}
