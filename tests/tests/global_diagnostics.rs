//! Causes of missing traces are logged when telemetry is installed. It is installed once in a
//! process, so this is one test.

use tests::{Lines, SpanSink};
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::telemetry::Telemetry;

#[test]
fn each_cause_of_missing_traces_is_a_line_when_telemetry_is_installed() {
    let lines = Lines::default();
    let _made_too_early = TracingLayer::new();
    let set = [
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
        ("OTEL_PROPAGATORS", "none"),
    ];
    let telemetry = Telemetry::builder()
        .variables(move |name| {
            let found = set.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        })
        .service_name("tests")
        .exporter(SpanSink::new().receiver())
        .log_writer(lines.clone())
        .install()
        .unwrap();
    telemetry.shutdown().unwrap();

    let lines = lines.all();
    let found: Vec<_> = lines.iter().filter(|line| line.contains("::diagnostics")).collect();
    assert_eq!(found.len(), 4, "{lines:?}");
    for (line, (level, words)) in found.iter().zip([
        ("WARN", "there is no propagator"),
        ("INFO", "the sampler is ParentBased(AlwaysOff): no trace that starts here"),
        ("WARN", "was built before telemetry was installed"),
        ("WARN", "OTEL_TRACES_EXPORTER sets an exporter, but code has set others"),
    ]) {
        assert!(line.contains(level) && line.contains(words), "{line}");
    }
}
