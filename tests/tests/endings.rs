//! Every way in which an exchange can end, recorded or not: one span with its outcome, or none.

use opentelemetry::{Value, trace::Status};
use opentelemetry_sdk::trace::Sampler;
use tests::{
    EndedSpanExt, Ending, Framework, MetricSink, Setup, SpanSink, on_both_frameworks_either_way,
};
use tracing_core_ext::testing::EndedSpan;

on_both_frameworks_either_way![
    a_recorded_exchange_ends_once_with_its_outcome,
    an_unsampled_exchange_ends_without_a_span,
    a_filtered_exchange_ends_without_a_span,
    a_measured_exchange_is_counted_once_with_the_same_outcome,
    an_unsampled_exchange_is_counted_as_well,
    a_filtered_exchange_is_not_counted,
];

/// An outcome, and the expected data of the span: status code, `error.type`, bytes of the response.
struct Case {
    ending: Ending,
    status: Option<i64>,
    error_type: Option<&'static str>,
    size: Size,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// There was no response.
    Absent,
    /// Size from the head of the response.
    Declared(i64),
    /// Size of a body that was streamed to its end.
    Streamed(i64),
    /// Smallest size of a body that was streamed until the caller disconnected.
    AtLeast(i64),
}

use Ending::*;
use Size::*;

const CASES: [Case; 14] = [
    case(Complete, Some(200), None, Declared(6)),
    case(Empty, Some(204), None, Declared(0)),
    case(Head, Some(200), None, Declared(0)),
    case(NotModified, Some(304), None, Declared(0)),
    case(ServerError, Some(503), Some("503"), Declared(2)),
    case(Timeout, Some(503), Some("503"), Declared(0)),
    case(ConnectionResetAfterwards, Some(200), None, Declared(6)),
    case(Chunked, Some(200), None, Streamed(6)),
    case(EventStream, Some(200), None, Streamed(18)),
    case(Panic, None, Some("panic"), Absent),
    case(BodyError, Some(200), Some("body_error"), Streamed(3)),
    case(BodyPanic, Some(200), Some("panic"), Streamed(3)),
    case(GoneBeforeHead, None, Some("cancelled_before_head"), Absent),
    case(GoneMidBody, Some(200), Some("cancelled_mid_body"), AtLeast(3)),
];

const fn case(
    ending: Ending,
    status: Option<i64>,
    error_type: Option<&'static str>,
    size: Size,
) -> Case {
    Case { ending, status, error_type, size }
}

async fn a_recorded_exchange_ends_once_with_its_outcome<F: Framework>() {
    for case in &CASES {
        let sink = SpanSink::new();
        let setup =
            Setup { options: Some(|builder| builder.body_sizes(true)), ..Setup::new(&sink) };
        let (control, server) = (setup.control.clone(), F::serve(setup).await);

        case.ending.play(&server, &control).await;

        check(case, &sink.only().await);
        server.stop().await;
        sink.only().await;
    }
}

async fn an_unsampled_exchange_ends_without_a_span<F: Framework>() {
    for case in &CASES {
        let sink = SpanSink::new();
        let setup = Setup::with_provider(sink.provider_sampling(Sampler::AlwaysOff));
        ends_without_a_span::<F>(case.ending, setup, &sink).await;
    }
}

async fn a_filtered_exchange_ends_without_a_span<F: Framework>() {
    for case in &CASES {
        let sink = SpanSink::new();
        let options: Option<tests::Options> = Some(|builder| builder.filter(|_| false));
        let setup = Setup { options, ..Setup::new(&sink) };
        ends_without_a_span::<F>(case.ending, setup, &sink).await;
    }
}

async fn a_measured_exchange_is_counted_once_with_the_same_outcome<F: Framework>() {
    for case in &CASES {
        let sink = SpanSink::new();
        let metrics = measured::<F>(case.ending, Setup::new(&sink)).await;

        check(case, &sink.only().await);
        check_metrics(case, &metrics).await;
    }
}

async fn an_unsampled_exchange_is_counted_as_well<F: Framework>() {
    for case in &CASES {
        let provider = SpanSink::new().provider_sampling(Sampler::AlwaysOff);
        let metrics = measured::<F>(case.ending, Setup::with_provider(provider)).await;

        check_metrics(case, &metrics).await;
    }
}

async fn a_filtered_exchange_is_not_counted<F: Framework>() {
    for case in &CASES {
        let metrics = MetricSink::new();
        let setup = Setup {
            options: Some(|builder| builder.filter(|_| false)),
            metrics: Some(metrics.clone()),
            ..Setup::new(&SpanSink::new())
        };
        let (control, server) = (setup.control.clone(), F::serve(setup).await);

        case.ending.play(&server, &control).await;
        server.stop().await;

        assert_eq!(metrics.instruments(), [], "{:?}", case.ending);
    }
}

/// Returns the metrics of an exchange with this outcome.
async fn measured<F: Framework>(ending: Ending, setup: Setup) -> MetricSink {
    let metrics = MetricSink::new();
    let setup = Setup {
        options: Some(|builder| builder.body_sizes(true)),
        metrics: Some(metrics.clone()),
        ..setup
    };
    let (control, server) = (setup.control.clone(), F::serve(setup).await);
    ending.play(&server, &control).await;
    metrics.only("http.server.request.duration").await;
    server.stop().await;
    metrics
}

async fn check_metrics(case: &Case, metrics: &MetricSink) {
    let Case { ending, status, error_type, size } = case;
    let duration = metrics.only("http.server.request.duration").await;
    let label = |key| duration.labels.get(key).cloned();
    assert_eq!(label("http.response.status_code"), status.map(Value::from), "{ending:?}");
    assert_eq!(label("error.type"), error_type.map(Value::from), "{ending:?}");
    assert_eq!(metrics.series("http.server.active_requests").len(), 1, "{ending:?}");
    assert_eq!(metrics.total("http.server.active_requests"), 0.0, "{ending:?}");
    let request = metrics.only("http.server.request.body.size").await;
    assert_eq!((request.sum, &request.labels), (0.0, &duration.labels), "{ending:?}");
    let sizes: Vec<_> =
        metrics.series("http.server.response.body.size").iter().map(|it| it.sum as i64).collect();
    match *size {
        Absent => assert!(sizes.is_empty(), "{ending:?}: {sizes:?}"),
        Declared(bytes) | Streamed(bytes) => assert_eq!(sizes, [bytes], "{ending:?}"),
        AtLeast(bytes) => assert!(sizes[0] >= bytes, "{ending:?}: {sizes:?}"),
    }
}

async fn ends_without_a_span<F: Framework>(ending: Ending, setup: Setup, sink: &SpanSink) {
    let (control, server) = (setup.control.clone(), F::serve(setup).await);
    ending.play(&server, &control).await;
    server.stop().await;
    assert!(sink.spans().is_empty(), "{ending:?}");
}

fn check(case: &Case, span: &EndedSpan) {
    let Case { ending, status, error_type, size } = case;
    assert_eq!(span.integer("http.response.status_code"), *status, "{ending:?}");
    assert_eq!(span.text("error.type"), *error_type, "{ending:?}");
    let is_error = matches!(span.status, Status::Error { .. });
    assert_eq!(is_error, error_type.is_some(), "{ending:?}");
    check_size(*size, span);
    check_first_byte(*size, span);
}

fn check_size(expected: Size, span: &EndedSpan) {
    let size = span.integer("http.response.body.size");
    match expected {
        Absent => assert_eq!(size, None),
        Declared(bytes) | Streamed(bytes) => assert_eq!(size, Some(bytes), "{span:#?}"),
        AtLeast(bytes) => assert!(size >= Some(bytes), "{span:#?}"),
    }
}

/// Checks the event of the first byte, which a streamed body has, between the start and the end.
fn check_first_byte(size: Size, span: &EndedSpan) {
    let first_bytes = span.events.iter().filter(|event| event.name == "first_byte");
    let times: Vec<_> = first_bytes.map(|event| event.timestamp).collect();
    match size {
        Absent | Declared(_) => assert!(times.is_empty(), "{span:#?}"),
        Streamed(_) | AtLeast(_) => {
            assert_eq!(times.len(), 1, "{span:#?}");
            assert!(span.start_time < times[0] && times[0] < span.end_time, "{span:#?}");
        }
    }
}
