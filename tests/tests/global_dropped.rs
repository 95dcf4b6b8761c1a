//! Telemetry that is dropped at once. Telemetry is installed once in a process, so this is one test.

use tests::{Lines, SpanSink, call_without_options};
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;

#[actix_web::test]
async fn middleware_of_telemetry_that_was_dropped_is_one_warning() {
    let lines = Lines::default();
    let _ = tests::telemetry(&SpanSink::new()).log_writer(lines.clone()).install().unwrap();
    let warnings = || {
        let lines = lines.all();
        lines.into_iter().filter(|line| line.contains("WARN")).collect::<Vec<_>>()
    };
    assert_eq!(warnings(), [""; 0]);

    drop((TracingLayer::new(), Tracing::new()));
    let at_start = warnings();
    assert!(matches!(&at_start[..], [line] if line.contains("`let _ = …`")), "{at_start:?}");
    call_without_options().await;
    assert_eq!(warnings(), at_start);
}
