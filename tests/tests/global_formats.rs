//! `Telemetry::install` sets the propagation formats of middlewares and clients without options
//! that are built afterwards. It is installed once in a process, so this is one test.

use opentelemetry::global;
use tests::{CustomPropagator, SpanSink, headers_sent_without_options};
use tracing_core_ext::telemetry::{Telemetry, TelemetryBuilder};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE_ID: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const B3: (&str, &str) = ("b3", "80f198ee56343ba864fe8b2a57d3eff7-05e3ac9a4f6e3b90-d");

#[actix_web::test]
async fn middlewares_and_clients_without_options_use_the_formats_of_telemetry() {
    let (_not_installed, _subscriber) = telemetry().build().unwrap();
    for sent in headers_sent_without_options(("traceparent", PARENT)).await {
        assert!(sent.contains(PARENT), "nothing is global yet: {sent}");
        assert!(!sent.contains("b3: "), "{sent}");
    }

    let _telemetry = telemetry().install().unwrap();
    for sent in headers_sent_without_options(B3).await {
        let b3 = sent.lines().find(|line| line.starts_with(&format!("b3: {TRACE_ID}-")));
        assert!(b3.is_some_and(|b3| b3.ends_with("-d")), "{sent}");
        assert!(!sent.contains("traceparent"), "{sent}");
    }

    global::set_text_map_propagator(CustomPropagator);
    for sent in headers_sent_without_options(("x-shout", "hello")).await {
        assert!(sent.contains("x-shout: hello!\n"), "the one set last: {sent}");
        assert!(!sent.contains("b3: "), "{sent}");
    }
}

fn telemetry() -> TelemetryBuilder {
    Telemetry::builder()
        .variables(|name| (name == "OTEL_PROPAGATORS").then(|| "b3".to_owned()))
        .service_name("tests")
        .exporter(SpanSink::new().receiver())
}
