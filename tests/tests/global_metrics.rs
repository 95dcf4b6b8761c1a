//! Middlewares and clients without options are measured after `Telemetry::install`. Telemetry is
//! installed once in a process, so this is one test.

use tests::{SpanSink, headers_sent_without_options, scrape};
use tracing_core_ext::prometheus::Prometheus;

const NONE: (&str, &str) = ("x-nothing", "at all");

#[actix_web::test]
async fn middlewares_and_clients_without_options_are_measured_by_telemetry() {
    let builder = tests::telemetry(&SpanSink::new()).prometheus(Prometheus::mounted());
    headers_sent_without_options(NONE).await;

    let telemetry = builder.install().unwrap();
    let endpoint = telemetry.metrics_endpoint().unwrap();
    let before = scrape(endpoint).await;
    assert!(!before.contains("http_server") && !before.contains("http_client"), "{before}");

    headers_sent_without_options(NONE).await;
    let meter = opentelemetry::global::meter("shop");
    meter.u64_observable_gauge("stock").with_callback(|_| panic!("no stock")).build();

    let text = scrape(endpoint).await;
    assert!(text.contains("otel_prometheus_skipped_total 1\n"), "the callback's: {text}");
    for (scope, side) in [
        ("tracing-axum-layer", "server"),
        ("tracing-actix-middleware", "server"),
        ("tracing-core-ext::client", "client"),
    ] {
        let count = format!("http_{side}_request_duration_seconds_count{{");
        let scope = format!("otel_scope_name=\"{scope}\"");
        let is_ours = |line: &&str| {
            // The service that the two call has no options for metrics either.
            line.starts_with(&count) && line.contains(&scope) && !line.contains("\"/headers\"")
        };
        let counts = text.lines().filter(is_ours).map(|line| line.rsplit(' ').next());
        let counts: Vec<_> = counts.map(|count| count.unwrap()).collect();
        // Both clients call the same service.
        let expected = if side == "server" { "1" } else { "2" };
        assert_eq!(counts, [expected], "{scope} in {text}");
    }
}
