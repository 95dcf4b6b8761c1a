//! Requests and spans that are too large.

use opentelemetry::{KeyValue, trace::SpanBuilder};

use super::{
    collector::{Collector, Reply},
    *,
};

const TOO_LARGE: Reply = Reply::Refuse(413, &[], "");

fn http() -> [Otlp; 2] {
    [Otlp::http_protobuf(), Otlp::http_json()]
}

struct Exported {
    /// Names of the spans of each request.
    requests: Vec<Vec<String>>,
    result: Result<(), String>,
    lines: Vec<String>,
}

/// Exports spans with these names and attributes in one batch.
fn export(otlp: Otlp, replies: &[Reply], spans: Vec<(&'static str, Vec<KeyValue>)>) -> Exported {
    let collector = Collector::replying(replies.to_vec());
    let lines = CapturedLines::default();
    let otlp = otlp.endpoint(&collector.url);
    let (telemetry, _dispatch) = builder().otlp(otlp).log_writer(lines.clone()).build().unwrap();
    let tracer = telemetry.tracer_provider().tracer("test");
    for (name, attributes) in spans {
        drop(tracer.build(SpanBuilder::from_name(name).with_attributes(attributes)));
    }
    let result = telemetry.shutdown().map_err(|error| error.to_string());
    let requests = collector.exports.try_iter().map(|export| export.spans).collect();
    Exported { requests, result, lines: lines.all() }
}

fn small(names: &[&'static str]) -> Vec<(&'static str, Vec<KeyValue>)> {
    names.iter().map(|name| (*name, Vec::new())).collect()
}

#[test]
fn a_request_that_is_too_large_for_the_collector_is_sent_in_halves() {
    for otlp in http() {
        let replies = [TOO_LARGE, TOO_LARGE, Reply::Accept];
        let exported = export(otlp, &replies, small(&["a", "b", "c", "d"]));
        exported.result.unwrap();
        // A request as large as `a` and `b` together is not sent again.
        let expected: [&[&str]; 6] =
            [&["a", "b", "c", "d"], &["a", "b"], &["a"], &["b"], &["c"], &["d"]];
        assert_eq!(exported.requests, expected);
        assert_eq!(exported.lines, [""; 0]);
    }
}

#[test]
fn later_batches_are_split_in_advance() {
    for otlp in http() {
        let collector = Collector::refusing_above(6_000);
        let otlp = otlp.endpoint(&collector.url);
        let (telemetry, _dispatch) = builder().otlp(otlp).build().unwrap();
        let tracer = telemetry.tracer_provider().tracer("test");
        let export_batch = || {
            for _ in 0..64 {
                let attributes = vec![KeyValue::new("text", "x".repeat(200))];
                drop(tracer.build(SpanBuilder::from_name("a").with_attributes(attributes)));
            }
            telemetry.tracer_provider().force_flush().unwrap();
            let requests: Vec<_> = collector.exports.try_iter().collect();
            let accepted = requests.iter().map(|export| export.spans.len()).sum::<usize>();
            assert_eq!(accepted, 64);
            requests.len()
        };
        let (first, requests) = (export_batch(), collector.requests());
        assert!(first < requests, "the collector has refused the first ones");
        // Sizes are approached by quarters.
        for _ in 0..4 {
            export_batch();
        }
        let before = collector.requests();
        let accepted = export_batch();
        assert_eq!(collector.requests() - before, accepted, "none is refused");
        assert!(accepted < 16, "requests are as large as they may be: {accepted}");
        telemetry.shutdown().unwrap();
    }
}

#[test]
fn a_span_that_is_too_large_for_the_collector_is_lost_alone() {
    for otlp in http() {
        let replies = [TOO_LARGE, TOO_LARGE, Reply::Accept];
        let exported = export(otlp, &replies, small(&["a", "b"]));
        let expected: [&[&str]; 3] = [&["a", "b"], &["a"], &["b"]];
        assert_eq!(exported.requests, expected);
        let error = exported.result.unwrap_err();
        assert!(error.starts_with("1 of 2 spans were not delivered"), "{error}");
        assert!(error.ends_with("1 failed (HTTP 413 Payload Too Large)"), "{error}");
    }
}

#[test]
fn a_batch_above_the_limit_of_receivers_becomes_several_requests() {
    for otlp in http() {
        let large = || vec![KeyValue::new("text", "x".repeat(1_500_000))];
        let spans = vec![("a", large()), ("b", large()), ("c", large()), ("d", large())];
        let exported = export(otlp, &[Reply::Accept], spans);
        exported.result.unwrap();
        assert_eq!(exported.requests, [["a", "b"], ["c", "d"]]);
    }
}

#[test]
fn long_strings_of_a_large_span_are_truncated_and_reported() {
    let text = || vec![KeyValue::new("text", "x".repeat(5_000_000))];
    let spans = vec![("a", Vec::new()), ("b", text()), ("c", text()), ("d", Vec::new())];
    let exported = export(Otlp::http_protobuf(), &[Reply::Accept], spans);
    exported.result.unwrap();
    assert_eq!(exported.requests.concat(), ["a", "b", "c", "d"]);
    assert_eq!(exported.lines.len(), 1, "{:?}", exported.lines);
    assert!(exported.lines[0].contains("are truncated"), "{:?}", exported.lines);
}

#[test]
fn a_span_that_fits_into_no_request_is_lost_alone() {
    for otlp in http() {
        let huge = (0..128).map(|at| KeyValue::new(format!("{at}{}", "k".repeat(40_000)), at));
        let spans = vec![("a", Vec::new()), ("b", huge.collect()), ("c", Vec::new())];
        let exported = export(otlp, &[Reply::Accept], spans);
        assert_eq!(exported.requests.concat(), ["a", "c"]);
        let error = exported.result.unwrap_err();
        let reason = "1 failed (a span is larger than a request of 4194304 bytes)";
        assert!(error.starts_with("1 of 3 spans") && error.ends_with(reason), "{error}");
    }
}

#[test]
fn a_message_that_is_too_large_over_grpc_is_sent_in_halves() {
    use tonic::Status;

    for status in [
        Status::resource_exhausted("grpc: received message larger than max (4200000 vs. 4194304)"),
        Status::resource_exhausted("gRPC message exceeds maximum size 4194304: 4200000"),
        Status::out_of_range("Error, decoded message length too large: found 4200000 bytes"),
    ] {
        let replies = [Reply::Status(status), Reply::Accept];
        let exported = export(Otlp::grpc(), &replies, small(&["a", "b"]));
        exported.result.unwrap();
        assert_eq!(exported.requests.concat(), ["a", "b", "a", "b"]);
        assert_eq!(exported.requests.len(), 3);
    }
}
