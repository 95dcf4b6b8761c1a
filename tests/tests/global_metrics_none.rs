//! Without metrics of telemetry, middlewares and clients without options are not measured, even
//! with another global meter provider. It can be set once in a process, so this is one test.

use opentelemetry::global;
use tests::{MetricSink, SpanSink, headers_sent_without_options};

#[actix_web::test]
async fn without_metrics_of_telemetry_nothing_is_measured() {
    let metrics = MetricSink::new();
    global::set_meter_provider(metrics.provider().clone());
    let telemetry = tests::telemetry(&SpanSink::new()).install().unwrap();
    assert!(telemetry.meter_provider().is_none());

    headers_sent_without_options(("x-nothing", "at all")).await;

    assert_eq!(metrics.instruments(), []);
}
