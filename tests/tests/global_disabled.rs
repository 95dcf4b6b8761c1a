//! `OTEL_SDK_DISABLED=true` records nothing, in whatever is made without options afterwards, and still carries context from
//! caller to callee. Telemetry is installed once in a process, so this is one test.

use tests::{SpanSink, headers_sent_without_options};
use tracing_core_ext::telemetry::Telemetry;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[actix_web::test]
async fn what_is_disabled_records_nothing_and_hands_on_what_callers_sent() {
    let sink = SpanSink::new();
    let telemetry = Telemetry::builder()
        .variables(|name| (name == "OTEL_SDK_DISABLED").then(|| "true".to_owned()))
        .exporter(sink.clone())
        .install()
        .unwrap();

    for sent in headers_sent_without_options(("traceparent", PARENT)).await {
        assert!(sent.contains(&format!("traceparent: {PARENT}")), "{sent}");
    }

    tracing::info_span!("order").in_scope(|| {});
    telemetry.shutdown().unwrap();
    assert!(sink.spans().is_empty(), "{:#?}", sink.spans());
}
