//! `OTEL_SDK_DISABLED=true` records nothing in middlewares and clients without options, and context
//! is still propagated. Telemetry is installed once in a process, so this is one test.

use tests::{SpanSink, headers_sent_without_options};
use tracing_core_ext::telemetry::Telemetry;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[actix_web::test]
async fn disabled_telemetry_records_nothing_and_propagates_the_context_of_callers() {
    let sink = SpanSink::new();
    let telemetry = Telemetry::builder()
        .variables(|name| (name == "OTEL_SDK_DISABLED").then(|| "true".to_owned()))
        .exporter(sink.receiver())
        .install()
        .unwrap();

    for sent in headers_sent_without_options(("traceparent", PARENT)).await {
        assert!(sent.contains(&format!("traceparent: {PARENT}")), "{sent}");
    }

    tracing::info_span!("order").in_scope(|| {});
    telemetry.shutdown().unwrap();
    assert!(sink.spans().is_empty(), "{:#?}", sink.spans());
}
