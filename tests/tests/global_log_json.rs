//! Records of the crate `log` in JSON lines. Telemetry is installed once in a process, so this is one test.

use serde_json::{Value, json};
use tests::{Lines, SpanSink};
use tracing_core_ext::telemetry::LogFormat;

#[test]
fn a_json_line_of_a_record_has_its_own_target() {
    let (sink, lines) = (SpanSink::new(), Lines::default());
    let telemetry = tests::telemetry(&sink)
        .log_writer(lines.clone())
        .log_format(LogFormat::Json)
        .install()
        .unwrap();
    tracing::info_span!("order").in_scope(|| log::warn!(target: "sqlx::query", "slow"));
    telemetry.shutdown().unwrap();

    let line = lines.all().into_iter().find(|line| line.contains("slow")).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let span = &sink.spans()[0];
    assert_eq!(line["target"], "sqlx::query");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["fields"], json!({ "message": "slow" }));
    assert_eq!(line["trace_id"], span.span_context.trace_id().to_string());
    let event = &span.events.events[0];
    let target = event.attributes.iter().find(|it| it.key.as_str() == "target").unwrap();
    assert_eq!((&*event.name, target.value.as_str()), ("slow", "sqlx::query".into()));
    assert!(event.attributes.iter().all(|it| !it.key.as_str().starts_with("log.")), "{event:?}");
}
