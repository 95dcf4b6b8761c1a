use opentelemetry::{KeyValue, metrics::MeterProvider};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{Metric, ResourceMetrics},
};
use opentelemetry_sdk::trace::InMemorySpanExporter;
use prost::Message;

use crate::{
    export::otlp::tests::{collector, nowhere},
    telemetry::{Telemetry, TelemetryBuilder, log_format::tests::CapturedLines},
};

fn builder(variables: Vec<(&'static str, String)>) -> TelemetryBuilder {
    Telemetry::builder().service_name("shop").exporter(InMemorySpanExporter::default()).variables(
        move |name| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(found.1.clone())
        },
    )
}

fn order(telemetry: &Telemetry) {
    let meter = telemetry.meter_provider().unwrap().meter("shop");
    meter.u64_counter("shop.orders").build().add(7, &[KeyValue::new("by", "card")]);
}

/// Returns the metric `orders`, without those of the telemetry itself.
fn orders(exported: &ResourceMetrics) -> &Metric {
    let mut metrics = exported.scope_metrics.iter().flat_map(|scope| &scope.metrics);
    metrics.find(|metric| metric.name == "shop.orders").unwrap()
}

#[test]
fn metrics_are_exported_with_the_resource_at_shutdown() {
    let (url, received) = collector("200 OK");
    let variables = vec![
        ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "api-key=secret".to_owned()),
    ];
    let (telemetry, _dispatch) = builder(variables).build().unwrap();
    order(&telemetry);
    telemetry.shutdown().unwrap();
    let sent = received.recv().unwrap();
    assert!(sent.head.starts_with("POST /v1/metrics HTTP/1.1\r\n"), "{}", sent.head);
    assert!(sent.head.contains("api-key: secret\r\n"), "{}", sent.head);
    let request = ExportMetricsServiceRequest::decode(&*sent.body).unwrap();
    let exported = &request.resource_metrics[0];
    let resource = format!("{:?}", exported.resource);
    assert!(resource.contains("\"service.name\"") && resource.contains("\"shop\""), "{resource}");
    orders(exported);
}

#[test]
fn an_instrument_with_too_many_series_is_logged_once() {
    let (url, _received) = collector("200 OK");
    let variables =
        vec![("OTEL_METRICS_EXPORTER", "otlp".to_owned()), ("OTEL_EXPORTER_OTLP_ENDPOINT", url)];
    let lines = CapturedLines::default();
    let (telemetry, _dispatch) = builder(variables).log_writer(lines.clone()).build().unwrap();
    let visits =
        telemetry.meter_provider().unwrap().meter("shop").u64_counter("shop.visits").build();
    (0..2_100).for_each(|visitor| visits.add(1, &[KeyValue::new("visitor", visitor)]));
    for _ in 0..2 {
        telemetry.meter_provider().unwrap().force_flush().unwrap();
    }
    let lines = lines.all();
    let of_limit = lines.iter().filter(|line| line.contains("\"shop.visits\" has more series"));
    assert_eq!(of_limit.count(), 1, "{lines:?}");
}

#[test]
fn the_endpoint_for_metrics_is_used_verbatim() {
    let (url, received) = collector("200 OK");
    let variables = vec![
        ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", nowhere()),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", format!("{url}/in")),
    ];
    let (telemetry, _dispatch) = builder(variables).build().unwrap();
    order(&telemetry);
    telemetry.shutdown().unwrap();
    assert!(received.recv().unwrap().head.starts_with("POST /in HTTP/1.1\r\n"));
}

#[test]
fn metrics_are_exported_at_their_interval() {
    let (url, received) = collector("200 OK");
    let variables = vec![
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", url),
        ("OTEL_METRIC_EXPORT_INTERVAL", "20".to_owned()),
    ];
    let (telemetry, _dispatch) = builder(variables).otlp_metrics().build().unwrap();
    order(&telemetry);
    received.recv().unwrap();
    received.recv().unwrap();
    telemetry.shutdown().unwrap();
}

#[cfg(feature = "prometheus")]
#[test]
fn one_meter_is_scraped_and_exported() {
    use http::HeaderMap;

    use crate::export::prometheus::Prometheus;

    let (url, received) = collector("200 OK");
    let variables = vec![
        ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", url),
    ];
    let (telemetry, _dispatch) =
        builder(variables).prometheus(Prometheus::mounted()).build().unwrap();
    order(&telemetry);
    let endpoint = telemetry.metrics_endpoint().unwrap();
    let info = endpoint.respond("GET", "/info", &HeaderMap::new()).into_body();
    let info: serde_json::Value = serde_json::from_slice(&info).unwrap();
    assert_eq!(info["exporters"], serde_json::json!(["prometheus", "otlp"]));
    let scraped = endpoint.respond("GET", "/metrics", &HeaderMap::new()).into_body();
    let scraped = String::from_utf8(scraped.to_vec()).unwrap();
    assert!(scraped.contains("shop_orders_total{by=\"card\",otel_scope_name=\"shop\"} 7\n"));
    telemetry.shutdown().unwrap();
    let request = ExportMetricsServiceRequest::decode(&*received.recv().unwrap().body).unwrap();
    let metric = orders(&request.resource_metrics[0]);
    assert!(format!("{:?}", metric.data).contains("AsInt(7)"), "{metric:?}");
}

#[test]
fn an_unreachable_collector_is_one_log_line() {
    let lines = CapturedLines::default();
    let variables = vec![
        ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", nowhere()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "20".to_owned()),
    ];
    let built = builder(variables).log_writer(lines.clone()).build();
    let (telemetry, _dispatch) = built.unwrap();
    order(&telemetry);
    for _ in 0..2 {
        telemetry.meter_provider().unwrap().force_flush().unwrap();
    }
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(error.contains("exports of metrics were not delivered to"), "{error}");
    let lines = lines.all();
    let of_metrics = lines.iter().filter(|line| line.contains("metrics cannot be delivered"));
    assert_eq!(of_metrics.count(), 1, "{lines:?}");
}

mod protocols {
    use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, metric::Data};

    use super::*;
    use crate::{
        config::Compression,
        export::otlp::{
            options::Otlp,
            tests::collector::{Collector, Export, Reply},
        },
    };

    fn protocols() -> Vec<(Otlp, &'static str)> {
        vec![
            (Otlp::http_protobuf(), "/v1/metrics"),
            (Otlp::http_json(), "/v1/metrics"),
            (Otlp::grpc(), "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"),
        ]
    }

    fn build_client(
        otlp: Otlp,
        variables: Vec<(&'static str, String)>,
    ) -> (Telemetry, tracing::Dispatch) {
        let builder = builder(variables).otlp(otlp).exporter(InMemorySpanExporter::default());
        builder.otlp_metrics().build().unwrap()
    }

    /// Returns the metrics of the shop, without those of the telemetry itself.
    fn of_the_shop(export: &Export) -> impl Iterator<Item = &Metric> {
        export.metrics.iter().filter(|metric| metric.name.starts_with("shop."))
    }

    #[test]
    fn metrics_arrive_by_each_protocol_compressed_or_not() {
        for compression in [Compression::None, Compression::Gzip] {
            for (otlp, path) in protocols() {
                let collector = Collector::replying([Reply::Accept]);
                let otlp = otlp.endpoint(&collector.url).compression(compression);
                let (telemetry, _dispatch) = build_client(otlp, Vec::new());
                order(&telemetry);
                let meter = telemetry.meter_provider().unwrap().meter("shop");
                meter.f64_histogram("shop.wait").build().record(0.25, &[]);
                telemetry.shutdown().unwrap();

                let export = collector.next();
                assert_eq!(export.path, path);
                assert!(!export.text.contains("null"), "{}", export.text);
                let names: Vec<_> = of_the_shop(&export).map(|metric| &*metric.name).collect();
                assert_eq!(names, ["shop.orders", "shop.wait"]);
                let orders = of_the_shop(&export).next();
                assert!(format!("{orders:?}").contains("AsInt(7)"));
            }
        }
    }

    #[test]
    fn a_rejection_by_the_collector_is_logged_once() {
        for (otlp, _) in protocols() {
            let collector = Collector::replying([Reply::Partial(1, "too old")]);
            let lines = CapturedLines::default();
            let builder = builder(Vec::new()).otlp(otlp.endpoint(&collector.url));
            let builder = builder.exporter(InMemorySpanExporter::default()).otlp_metrics();
            let (telemetry, _dispatch) = builder.log_writer(lines.clone()).build().unwrap();
            order(&telemetry);
            telemetry.meter_provider().unwrap().force_flush().unwrap();
            telemetry.meter_provider().unwrap().force_flush().unwrap();
            let error = telemetry.shutdown().unwrap_err().to_string();
            assert!(error.contains("3 of 3 exports of metrics were not delivered"), "{error}");
            let lines = lines.all();
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].contains("rejected by the collector: too old"), "{lines:?}");
        }
    }

    /// Exports after each of two orders, and returns the received metrics.
    fn exported_twice(preference: Option<&str>) -> Vec<Metric> {
        let collector = Collector::replying([Reply::Accept]);
        let variable = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        let variables = preference.map(|preference| (variable, preference.to_owned()));
        let otlp = Otlp::http_protobuf().endpoint(&collector.url);
        let (telemetry, _dispatch) = build_client(otlp, variables.into_iter().collect());
        for _ in 0..2 {
            order(&telemetry);
            telemetry.meter_provider().unwrap().force_flush().unwrap();
        }
        (0..2).flat_map(|_| of_the_shop(&collector.next()).cloned().collect::<Vec<_>>()).collect()
    }

    #[test]
    fn temporality_is_cumulative_unless_delta_is_preferred() {
        let cumulative = AggregationTemporality::Cumulative;
        let delta = AggregationTemporality::Delta;
        for (preference, temporality, values) in [
            (None, cumulative, ["AsInt(7)", "AsInt(14)"]),
            (Some("cumulative"), cumulative, ["AsInt(7)", "AsInt(14)"]),
            (Some("Delta"), delta, ["AsInt(7)", "AsInt(7)"]),
            (Some("lowmemory"), delta, ["AsInt(7)", "AsInt(7)"]),
        ] {
            for (metric, value) in exported_twice(preference).into_iter().zip(values) {
                let Some(Data::Sum(sum)) = metric.data else { panic!("{metric:?}") };
                assert_eq!(sum.aggregation_temporality(), temporality, "{preference:?}");
                assert!(format!("{:?}", sum.data_points).contains(value), "{preference:?}");
            }
        }
    }

    const HISTOGRAMS: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";

    #[test]
    fn histograms_are_exponential_if_configured() {
        for (aggregation, is_exponential) in
            [("explicit_bucket_histogram", false), ("base2_exponential_bucket_histogram", true)]
        {
            let collector = Collector::replying([Reply::Accept]);
            let otlp = Otlp::http_json().endpoint(&collector.url);
            let (telemetry, _dispatch) =
                build_client(otlp, vec![(HISTOGRAMS, aggregation.to_owned())]);
            let meter = telemetry.meter_provider().unwrap().meter("shop");
            meter.f64_histogram("shop.wait").build().record(0.25, &[]);
            telemetry.shutdown().unwrap();
            let export = collector.next();
            assert!(!export.text.contains("null"), "{}", export.text);
            let data = of_the_shop(&export).next().unwrap().data.as_ref();
            assert_eq!(matches!(data, Some(Data::ExponentialHistogram(_))), is_exponential);
        }
    }

    #[cfg(feature = "prometheus")]
    #[test]
    fn exponential_histograms_are_refused_beside_prometheus() {
        let value = "base2_exponential_bucket_histogram";
        let builder = builder(vec![(HISTOGRAMS, value.to_owned())]).otlp_metrics();
        let builder = builder.prometheus(crate::export::prometheus::Prometheus::mounted());
        let error = builder.build().unwrap_err().to_string();
        let expected = "explicit_bucket_histogram, the only one Prometheus can scrape as well";
        assert_eq!(error, format!("{HISTOGRAMS}={value:?}: expected {expected}"));
    }

    #[test]
    fn an_export_of_metrics_takes_no_longer_than_its_own_timeout() {
        let collector = Collector::replying([Reply::Never]);
        let variables = vec![("OTEL_METRIC_EXPORT_TIMEOUT", "100".to_owned())];
        let lines = CapturedLines::default();
        let otlp = Otlp::http_protobuf().endpoint(&collector.url);
        let builder = builder(variables).otlp(otlp).exporter(InMemorySpanExporter::default());
        let (telemetry, _dispatch) =
            builder.otlp_metrics().log_writer(lines.clone()).build().unwrap();
        order(&telemetry);
        telemetry.meter_provider().unwrap().force_flush().unwrap();
        assert!(lines.all()[0].contains("no answer within 100ms"), "{:?}", lines.all());
    }
}
