//! A service keeps its own subscriber and installs everything else with one call. Telemetry is
//! installed once in a process, so this is one test.

use tests::{Lines, SpanSink, headers_sent_without_options};
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::telemetry::{Telemetry, WithTraceIds};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[actix_web::test]
async fn a_service_with_its_own_subscriber_has_all_spans_and_the_ids_in_its_lines() {
    let (sink, lines) = (SpanSink::new(), Lines::default());
    let telemetry = Telemetry::builder()
        .variables(|name| {
            (name == "OTEL_TRACES_SAMPLER").then(|| "parentbased_always_off".to_owned())
        })
        .service_name("tests")
        .exporter(sink.receiver())
        .install_without_subscriber()
        .unwrap();
    let format = WithTraceIds::text(fmt::format().with_ansi(false));
    let own = fmt::layer().with_ansi(false).with_writer(lines.clone()).event_format(format);
    tracing_subscriber::registry()
        .with(own.with_filter(EnvFilter::new("info")))
        .with(telemetry.layer(LevelFilter::INFO))
        .init();
    assert_eq!(lines.all(), [""; 0]);

    drop(TracingLayer::new());
    let at_start: Vec<_> = lines.all();
    assert!(
        matches!(&at_start[..], [line] if line.contains("no trace that starts here")),
        "{at_start:?}"
    );

    let parent = opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.extract(&std::collections::HashMap::from([(
            "traceparent".to_owned(),
            PARENT.to_owned(),
        )]))
    });
    let (job, other) = (tracing::info_span!("job"), tracing::info_span!("other"));
    job.set_parent(parent).unwrap();
    other.in_scope(|| tracing::info!(parent: &job, "explicit"));
    let line = lines.all().pop().unwrap();
    assert!(line.contains(&format!(" trace_id={} ", &PARENT[3..35])), "{line}");
    drop((job, other));

    for sent in headers_sent_without_options(("traceparent", PARENT)).await {
        assert!(sent.contains(&PARENT[3..35]), "{sent}");
    }
    telemetry.shutdown().unwrap();
    let names = sink.spans().into_iter().map(|span| span.name.to_string());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["GET", "GET", "GET /", "GET /", "job"]);
    let again = Telemetry::builder().service_name("tests").install();
    assert!(again.unwrap_err().to_string().contains("already installed"));
}
