//! A provider of the SDK that was shut down. Warnings are logged once in a process, so this is one test.

use opentelemetry::global;
use tests::{Lines, SpanSink, call_without_options};
use tracing_subscriber::{fmt, layer::SubscriberExt, util::SubscriberInitExt};

#[actix_web::test]
async fn a_provider_of_the_sdk_that_was_shut_down_is_one_warning_with_the_first_request() {
    let (sink, lines) = (SpanSink::new(), Lines::default());
    let layer = fmt::layer().with_ansi(false).with_writer(lines.clone());
    tracing_subscriber::registry().with(layer).init();
    let provider = sink.sdk_provider();
    global::set_tracer_provider(provider.clone());
    let warnings = || {
        let lines = lines.all();
        lines.into_iter().filter(|line| line.contains("WARN")).collect::<Vec<_>>()
    };

    call_without_options().await;
    assert_eq!(warnings(), [""; 0]);
    assert_eq!(sink.spans().len(), 2);
    provider.shutdown().unwrap();
    call_without_options().await;
    let warnings = warnings();
    assert!(matches!(&warnings[..], [line] if line.contains("was shut down")), "{warnings:?}");
}
