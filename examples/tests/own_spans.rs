//! The export is not traced, at any level of spans.

use examples::otlp_receiver::OtlpReceiver;
use tracing::level_filters::LevelFilter;
use tracing_core_ext::telemetry::Telemetry;

#[tokio::test(flavor = "multi_thread")]
async fn only_the_span_of_the_service_is_received_at_the_finest_level() {
    let mut receiver = OtlpReceiver::bind("127.0.0.1:0").await.unwrap();
    let telemetry = Telemetry::builder()
        .variables(|_| None)
        .service_name("shop")
        .otlp_endpoint(receiver.endpoint())
        .span_level(LevelFilter::TRACE)
        .install()
        .unwrap();

    tracing::trace_span!("ours").in_scope(|| {});
    telemetry.tracer_provider().force_flush().unwrap();
    telemetry.shutdown().unwrap();

    let received = std::iter::from_fn(|| receiver.try_recv()).flatten();
    let names: Vec<_> = received.map(|span| span.name).collect();
    assert_eq!(names, ["ours"]);
}
