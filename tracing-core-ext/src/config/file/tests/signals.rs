use opentelemetry_sdk::metrics::Temporality;

use super::*;
use crate::config::metrics::{HistogramAggregation, MetricsExporter};

#[test]
fn metrics_have_readers_and_views() {
    let config = read(
        r"
meter_provider:
  readers:
    - periodic:
        interval: 1000
        timeout: 2000
        exporter:
          otlp_http:
            temporality_preference: low_memory
            endpoint: http://collector:4318/v1/metrics
    - pull: { exporter: { prometheus/development: { host: 0.0.0.0, port: 0 } } }
  exemplar_filter: trace_based
  views:
    - selector: { instrument_name: http.*, instrument_type: histogram, meter_name: shop }
      stream:
        aggregation: { explicit_bucket_histogram: { boundaries: [1, 2.5] } }
        attribute_keys: { included: [http.route] }
        aggregation_cardinality_limit: 100
    - selector: { unit: By }
      stream: { aggregation: { drop: } }
",
    );
    assert_eq!(warnings(&config), [""; 0]);
    let exports = &config.metrics.exporters;
    let kinds: Vec<_> = exports.iter().map(|export| export.exporter).collect();
    assert_eq!(kinds, [MetricsExporter::Otlp, MetricsExporter::Prometheus]);
    let first = exports[0].own.as_ref().unwrap();
    assert_eq!((first.interval, first.timeout), (Duration::from_secs(1), Duration::from_secs(2)));
    assert_eq!(first.temporality, Temporality::LowMemory);
    assert_eq!(first.histograms, HistogramAggregation::Explicit);
    assert_eq!(
        first.otlp.endpoint.as_ref().unwrap().1.as_str(),
        "http://collector:4318/v1/metrics"
    );
    let listener = &exports[1].own.as_ref().unwrap().listener;
    assert_eq!((&*listener.host, listener.port), ("0.0.0.0", 0));
    let views = &config.metrics.views;
    assert_eq!(views.len(), 2);
    assert_eq!(views[0].attribute_keys.as_deref(), Some(&["http.route".to_owned()][..]));
    assert_eq!(views[0].cardinality_limit, Some(100));
    assert!(format!("{:?}", views[0].aggregation).contains("[1.0, 2.5]"), "{views:?}");
    assert!(matches!(views[1].aggregation, Some(opentelemetry_sdk::metrics::Aggregation::Drop)));
}

#[test]
fn logs_have_processors_exporters_and_limits() {
    use crate::config::logs::LogsExporter;

    let config = read(
        r"
attribute_limits: { attribute_count_limit: 7, attribute_value_length_limit: 99 }
logger_provider:
  processors:
    - batch: { max_queue_size: 10, exporter: { otlp_grpc: { endpoint: http://collector:4317 } } }
    - simple: { exporter: { console: } }
  limits: { attribute_count_limit: 8 }
",
    );
    assert_eq!(warnings(&config), [""; 0]);
    let exports = config.logs.selected();
    let kinds: Vec<_> = exports.iter().map(|export| export.exporter).collect();
    assert_eq!(kinds, [LogsExporter::Otlp, LogsExporter::Console]);
    let own = exports[0].own.as_ref().unwrap();
    assert_eq!((own.batch.queue, own.batch.size), (10, 10));
    assert_eq!(own.otlp.protocol, Protocol::Grpc);
    assert_eq!(own.otlp.endpoint.as_ref().unwrap().1.as_str(), "http://collector:4317");
    assert_eq!((config.logs.limits.count, config.logs.limits.value_length), (8, Some(99)));
    assert!(read("").logs.selected().is_empty());
    assert_warned(
        "logger_provider:\n  processors: [ { simple: { exporter: { console: } } } ]\n  \
         logger_configurator/development: { loggers: [] }\n",
        "otel.yaml:4:3: logger_provider.logger_configurator/development: this is not supported",
    );
}
