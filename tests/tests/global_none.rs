//! `OTEL_PROPAGATORS=none` disables propagation in middlewares and clients without options.
//! Telemetry is installed once in a process, so this is one test.

use tests::{SpanSink, headers_sent_without_options};
use tracing_core_ext::telemetry::Telemetry;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[actix_web::test]
async fn without_propagators_no_context_is_extracted_or_injected() {
    let sink = SpanSink::new();
    let telemetry = Telemetry::builder()
        .variables(|name| (name == "OTEL_PROPAGATORS").then(|| "none".to_owned()))
        .service_name("tests")
        .exporter(sink.receiver())
        .install()
        .unwrap();

    for sent in headers_sent_without_options(("traceparent", PARENT)).await {
        assert!(!sent.contains("traceparent"), "{sent}");
    }

    telemetry.shutdown().unwrap();
    let spans = sink.spans();
    let servers: Vec<_> = spans.iter().filter(|span| span.name == "GET /").collect();
    assert_eq!(servers.len(), 2, "{spans:#?}");
    for server in servers {
        assert_ne!(server.span_context.trace_id().to_string(), PARENT[3..35]);
    }
}
