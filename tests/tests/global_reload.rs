//! Our layer inside of `reload::Layer`. Warnings are logged once in a process, so this is one test.

use tests::{Lines, SpanSink};
use tracing_axum_layer::TracingLayer;
use tracing_subscriber::{
    Layer, filter::LevelFilter, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

#[test]
fn a_layer_that_is_hidden_is_one_warning_at_start_up() {
    let lines = Lines::default();
    let telemetry = tests::telemetry(&SpanSink::new()).install_without_subscriber().unwrap();
    let (filter, _handle) = reload::Layer::new(LevelFilter::INFO);
    let shown = tracing_core_ext::exchange::layer(opentelemetry::trace::noop::NoopTracer::new());
    drop(tracing::Dispatch::new(tracing_subscriber::registry().with(shown.with_filter(filter))));
    drop(TracingLayer::new());

    let (layer, _handle) = reload::Layer::new(telemetry.layer(LevelFilter::INFO));
    tracing_subscriber::registry()
        .with(layer)
        .with(fmt::layer().with_ansi(false).with_writer(lines.clone()))
        .init();
    assert_eq!(lines.all(), [""; 0]);

    drop((TracingLayer::new(), TracingLayer::new()));
    let lines = lines.all();
    assert!(matches!(&lines[..], [line] if line.contains("reload::Layer")), "{lines:?}");
    telemetry.shutdown().unwrap();
}
