//! Metric points.

use std::sync::Arc;

use super::{Attributes, Nanos, Resource, Scope, SpanId, TraceId};

/// Received point of a time series.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricPoint {
    /// Sender.
    pub resource: Arc<Resource>,
    /// Instrumentation library.
    pub scope: Arc<Scope>,
    /// Name of the metric.
    pub name: Arc<str>,
    /// Description of the metric.
    pub description: Arc<str>,
    /// Unit in UCUM notation.
    pub unit: Arc<str>,
    /// Kind of the metric.
    pub kind: MetricKind,
    /// Attributes that identify the series.
    pub attributes: Attributes,
    /// Value at a time.
    pub sample: Sample,
}

/// Value of a series at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Start of the interval of the value, or 0 if it is absent.
    pub start: Nanos,
    /// Time of the value.
    pub time: Nanos,
    /// Value.
    pub value: PointValue,
    /// Measurements with the traces in which they were made.
    pub exemplars: Box<[Exemplar]>,
}

/// Kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Last value.
    Gauge,
    /// Sum of measurements.
    Sum {
        /// Whether the sum never decreases.
        monotonic: bool,
        /// Whether a point is the sum since the start, rather than since the last point.
        cumulative: bool,
    },
    /// Distribution.
    Histogram {
        /// Whether a point covers the time since the start, rather than since the last point.
        cumulative: bool,
    },
    /// Quantiles computed by the service.
    Summary,
}

/// Value of a point.
#[derive(Clone, Debug, PartialEq)]
pub enum PointValue {
    /// Value of a gauge or sum.
    Number(f64),
    /// Distribution, with explicit or exponential buckets.
    Histogram(Box<Histogram>),
    /// Count, sum, and pairs of quantile and value.
    Summary(u64, f64, Box<[(f64, f64)]>),
}

/// Buckets of a distribution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Number of measurements.
    pub count: u64,
    /// Sum of measurements.
    pub sum: Option<f64>,
    /// Upper bounds of the buckets except the last, ascending.
    pub bounds: Box<[f64]>,
    /// Number of measurements in each bucket. There is one bucket more than there are bounds.
    pub counts: Box<[u64]>,
}

/// Measurement with its trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Time of the measurement.
    pub time: Nanos,
    /// Measured value.
    pub value: f64,
    /// Trace in which it was measured.
    pub trace_id: TraceId,
    /// Span in which it was measured.
    pub span_id: Option<SpanId>,
}

impl MetricKind {
    /// Returns the name of the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Sum { monotonic: true, .. } => "counter",
            Self::Sum { monotonic: false, .. } => "up-down counter",
            Self::Histogram { .. } => "histogram",
            Self::Summary => "summary",
        }
    }

    /// Whether points are cumulative since the start of the service.
    pub fn is_cumulative(self) -> bool {
        match self {
            Self::Sum { cumulative, .. } | Self::Histogram { cumulative } => cumulative,
            Self::Gauge => false,
            Self::Summary => true,
        }
    }
}

impl Sample {
    /// Returns the estimated memory of the sample, in bytes.
    pub fn bytes(&self) -> usize {
        let value = match &self.value {
            PointValue::Number(_) => 0,
            PointValue::Histogram(histogram) => {
                size_of::<Histogram>() + 8 * (histogram.bounds.len() + histogram.counts.len())
            }
            PointValue::Summary(_, _, quantiles) => 16 * quantiles.len(),
        };
        size_of::<Self>() + value + size_of_val(&*self.exemplars)
    }
}
