//! Metrics of OTLP as series.

use std::sync::{Mutex, PoisonError};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::KeyValue,
    metrics::v1::{
        AggregationTemporality, Metric, NumberDataPoint, metric::Data, number_data_point::Value,
    },
};

use super::convert;
use crate::testing::metrics::{MetricPoint, PointValue};

/// The series that a collector has received.
pub(super) type Points = Mutex<Vec<MetricPoint>>;

/// A data point of a request.
pub(super) struct ReceivedPoint {
    point: MetricPoint,
    /// Whether the value is added to the one before.
    is_delta: bool,
}

/// Returns the data points of a request. Summaries, which no SDK makes, are left out.
pub(super) fn points(request: ExportMetricsServiceRequest) -> Vec<ReceivedPoint> {
    let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    let metrics = scopes.flat_map(|of| {
        let scope = of.scope.unwrap_or_default().name;
        of.metrics.into_iter().map(move |metric| (scope.clone(), metric))
    });
    metrics.flat_map(|(scope, metric)| of_metric(&scope, metric)).collect()
}

/// Adds data points to the series that were received before.
pub(super) fn merge(points: &Points, received: Vec<ReceivedPoint>) {
    let mut points = points.lock().unwrap_or_else(PoisonError::into_inner);
    for ReceivedPoint { point, is_delta } in received {
        let is_same = |other: &&mut MetricPoint| {
            (&other.scope, &other.name, &other.labels) == (&point.scope, &point.name, &point.labels)
        };
        match points.iter_mut().find(is_same) {
            Some(known) if is_delta => known.value.add(point.value),
            Some(known) => *known = point,
            None => points.push(point),
        }
    }
}

impl PointValue {
    fn add(&mut self, delta: Self) {
        match (self, delta) {
            (Self::Sum(value), Self::Sum(delta)) => *value += delta,
            (
                Self::Histogram { count, sum, .. },
                Self::Histogram { count: more, sum: delta, .. },
            ) => {
                *count += more;
                *sum += delta;
            }
            (value, other) => *value = other,
        }
    }
}

fn of_metric(scope: &str, metric: Metric) -> Vec<ReceivedPoint> {
    let Metric { name, unit, data, .. } = metric;
    let point = |labels: Vec<KeyValue>, value: PointValue, temporality: i32| ReceivedPoint {
        point: MetricPoint {
            scope: scope.to_owned(),
            name: name.clone(),
            unit: unit.clone(),
            labels: convert::attributes(labels),
            value,
        },
        is_delta: temporality == AggregationTemporality::Delta as i32,
    };
    match data {
        Some(Data::Sum(sum)) => {
            let temporality = sum.aggregation_temporality;
            let points = sum.data_points.into_iter().map(|it| {
                let value = PointValue::Sum(number(&it));
                point(it.attributes, value, temporality)
            });
            points.collect()
        }
        Some(Data::Gauge(gauge)) => {
            let points = gauge.data_points.into_iter().map(|it| {
                let value = PointValue::Gauge(number(&it));
                point(it.attributes, value, 0)
            });
            points.collect()
        }
        Some(Data::Histogram(histogram)) => {
            let temporality = histogram.aggregation_temporality;
            let points = histogram.data_points.into_iter().map(|it| {
                let (count, sum, bounds) =
                    (it.count, it.sum.unwrap_or_default(), it.explicit_bounds);
                let value = PointValue::Histogram { count, sum, bounds };
                point(it.attributes, value, temporality)
            });
            points.collect()
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            let temporality = histogram.aggregation_temporality;
            let points = histogram.data_points.into_iter().map(|it| {
                let (count, sum) = (it.count, it.sum.unwrap_or_default());
                let value = PointValue::Histogram { count, sum, bounds: Vec::new() };
                point(it.attributes, value, temporality)
            });
            points.collect()
        }
        Some(Data::Summary(_)) | None => Vec::new(),
    }
}

fn number(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(Value::AsDouble(number)) => number,
        Some(Value::AsInt(number)) => number as f64,
        None => 0.0,
    }
}
