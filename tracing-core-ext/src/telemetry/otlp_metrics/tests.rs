use opentelemetry::{KeyValue, metrics::MeterProvider};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::trace::InMemorySpanExporter;
use prost::Message;

use super::super::{
    log::tests::Lines,
    otlp::tests::{collector, nowhere},
};
use crate::telemetry::{Telemetry, TelemetryBuilder};

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
    assert_eq!(exported.scope_metrics[0].metrics[0].name, "shop.orders");
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
fn metrics_go_on_their_interval() {
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

    use crate::prometheus::Prometheus;

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
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    assert_eq!(metric.name, "shop.orders");
    assert!(format!("{:?}", metric.data).contains("AsInt(7)"), "{metric:?}");
}

#[test]
fn a_collector_that_is_down_is_one_line() {
    let lines = Lines::default();
    let variables = vec![
        ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", nowhere()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "20".to_owned()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "10".to_owned()),
    ];
    let built = builder(variables).log_writer(lines.clone()).build();
    let (telemetry, _dispatch) = built.unwrap();
    order(&telemetry);
    while lines.all().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    telemetry.shutdown().unwrap();
    let lines = lines.all();
    let of_metrics = lines.iter().filter(|line| line.contains("metrics cannot be delivered"));
    assert_eq!(of_metrics.count(), 1, "{lines:?}");
}
