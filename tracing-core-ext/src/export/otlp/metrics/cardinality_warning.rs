use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};

/// Attribute of the series that combines all series above the limit: metrics SDK specification,
/// "Overflow attribute".
const OVERFLOW: &str = "otel.metric.overflow";

/// Names of instruments that have exceeded the limit of series. Each is logged once, because the
/// SDK logs nothing.
#[derive(Debug, Default)]
pub(crate) struct CardinalityWarning(Mutex<HashSet<String>>);

impl CardinalityWarning {
    pub(crate) fn warn_once(&self, metrics: &ResourceMetrics) {
        let metrics = metrics.scope_metrics().flat_map(|scope| scope.metrics());
        for metric in metrics.filter(|metric| has_overflowed(metric)) {
            let mut warned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if warned.insert(metric.name().to_owned()) {
                tracing::warn!(
                    "the metric {:?} has more series than its limit; all others are counted in one, \
                     with {OVERFLOW}=true",
                    metric.name()
                );
            }
        }
    }
}

fn has_overflowed(metric: &Metric) -> bool {
    match metric.data() {
        AggregatedMetrics::F64(data) => has_overflow(data),
        AggregatedMetrics::U64(data) => has_overflow(data),
        AggregatedMetrics::I64(data) => has_overflow(data),
    }
}

fn has_overflow<T>(data: &MetricData<T>) -> bool {
    let is_overflow = |attribute: &KeyValue| attribute.key.as_str() == OVERFLOW;
    match data {
        MetricData::Gauge(gauge) => {
            gauge.data_points().any(|point| point.attributes().any(is_overflow))
        }
        MetricData::Sum(sum) => sum.data_points().any(|point| point.attributes().any(is_overflow)),
        MetricData::Histogram(histogram) => {
            histogram.data_points().any(|point| point.attributes().any(is_overflow))
        }
        MetricData::ExponentialHistogram(histogram) => {
            histogram.data_points().any(|point| point.attributes().any(is_overflow))
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::{
        InMemoryMetricExporter, Instrument, SdkMeterProvider, Stream,
    };
    use tracing::subscriber::with_default;
    use tracing_subscriber::{fmt::writer::BoxMakeWriter, layer::SubscriberExt};

    use super::*;
    use crate::telemetry::log_format::tests::CapturedLines;

    #[test]
    fn an_instrument_that_overflows_is_logged_once() {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder()
            .with_periodic_exporter(exporter.clone())
            .with_view(|_: &Instrument| Stream::builder().with_cardinality_limit(2).build().ok())
            .build();
        let orders = provider.meter("shop").u64_counter("orders").build();
        provider.meter("shop").u64_counter("few").build().add(1, &[]);
        for item in 0..4 {
            orders.add(1, &[KeyValue::new("item", item)]);
        }
        provider.force_flush().unwrap();
        let exported = exporter.get_finished_metrics().unwrap();
        let lines = CapturedLines::default();
        let layer = tracing_subscriber::fmt::layer().with_writer(BoxMakeWriter::new(lines.clone()));

        with_default(tracing_subscriber::registry().with(layer), || {
            let overflow = CardinalityWarning::default();
            overflow.warn_once(&exported[0]);
            overflow.warn_once(&exported[0]);
        });

        let lines = lines.all();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("\"orders\""), "{lines:?}");
    }
}
