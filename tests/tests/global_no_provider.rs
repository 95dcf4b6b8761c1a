//! The result of `build()` is not global. Warnings are logged once in a process, so this is one
//! test.

use tests::{Lines, SpanSink, call_without_options};
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::client::Client;
use tracing_subscriber::{filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

#[actix_web::test]
async fn a_middleware_without_a_provider_is_one_warning_with_the_missing_call() {
    let lines = Lines::default();
    let (telemetry, _) =
        tests::telemetry(&SpanSink::new()).log_writer(lines.clone()).build().unwrap();
    tracing_subscriber::registry()
        .with(fmt::layer().with_ansi(false).with_writer(lines.clone()))
        .with(telemetry.layer(LevelFilter::INFO))
        .init();

    drop(TracingLayer::new());
    let at_start = lines.all();
    assert!(matches!(&at_start[..], [line] if line.contains(" WARN ")), "{at_start:?}");
    for remedy in ["install()", "install_without_subscriber()", "tracer_provider(", "propagator("] {
        assert!(at_start[0].contains(remedy), "{at_start:?}");
    }
    drop((Tracing::new(), Client::new()));
    call_without_options().await;
    assert_eq!(warnings(&lines), 1, "{:?}", lines.all());
    telemetry.shutdown().unwrap();
}

fn warnings(lines: &Lines) -> usize {
    lines.all().iter().filter(|line| line.contains(" WARN ")).count()
}
