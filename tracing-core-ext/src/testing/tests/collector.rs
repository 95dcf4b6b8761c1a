//! The collector stores what it accepts, and misbehaves as it is told.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use tracing::Level;

use crate::testing::{Answer, Collector, PointValue, trace};

/// A server span with a client span below it, in OTLP/JSON.
const TRACE: &str = r#"{"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
    "scopeSpans": [{"scope": {"name": "test"}, "spans": [
        {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "00f067aa0ba902b7", "name": "GET /", "kind": 2,
         "parentSpanId": "b7ad6b7169203331", "flags": 769,
         "startTimeUnixNano": "1000000000", "endTimeUnixNano": "1500000000",
         "attributes": [{"key": "http.response.status_code", "value": {"intValue": "500"}},
                        {"key": "tags", "value": {"arrayValue": {"values": [{"stringValue": "new"}]}}}],
         "status": {"code": 2, "message": "sold out"}},
        {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "00f067aa0ba902b8", "name": "GET", "kind": 3,
         "parentSpanId": "00f067aa0ba902b7", "flags": 257,
         "startTimeUnixNano": "1100000000", "endTimeUnixNano": "1200000000"}
    ]}]
}]}"#;

/// Posts a JSON body and returns the response, head and body.
fn post(collector: &Collector, path: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(collector.address())?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: collector\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

#[test]
fn spans_are_compared_like_those_of_a_test() {
    let collector = Collector::start().unwrap();
    let response = post(&collector, "/v1/traces", TRACE).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    let trace = collector.only().blocking();
    trace.is(trace! {
        server "GET /" error "sold out" { http.response.status_code: 500, tags: ["new"] } [
            client "GET",
        ]
    });
    assert_eq!(trace.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    let server = collector.select("server").only();
    assert!(server.parent_span_is_remote);
    assert_eq!(server.duration(), Duration::from_millis(500));
    assert!(trace.waterfall().contains("\nshop  "), "{trace:?}");
}

#[test]
fn log_records_and_metrics_are_compared_like_those_of_a_test() {
    let collector = Collector::start().unwrap();
    post(&collector, "/v1/traces", TRACE).unwrap();
    let logs = r#"{"resourceLogs": [{"scopeLogs": [{"scope": {"name": "shop"}, "logRecords": [
        {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "00f067aa0ba902b8", "timeUnixNano": "1",
         "severityNumber": 13, "body": {"stringValue": "low stock"},
         "attributes": [{"key": "item.id", "value": {"intValue": "7"}}]}]}]}]}"#;
    post(&collector, "/v1/logs", logs).unwrap();
    collector.logs().within("GET /").with("item.id", 7).has(Level::WARN, "low stock").count(1);
    collector.logs().with("item.id", "7").count(0);

    let orders = |value: u32, temporality: u32| {
        format!(
            r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [{{"name": "shop.orders", "unit": "1", "sum": {{
            "aggregationTemporality": {temporality}, "isMonotonic": true,
            "dataPoints": [{{"asInt": "{value}", "attributes": []}}]}}}}]}}]}}]}}"#
        )
    };
    for (value, temporality, total) in [(3, 2, 3), (5, 2, 5), (4, 1, 9)] {
        post(&collector, "/v1/metrics", &orders(value, temporality)).unwrap();
        collector.metric("shop.orders").value(total).unit("1");
    }
}

#[test]
fn instruments_of_the_same_name_are_kept_apart_by_their_scope() {
    let collector = Collector::start().unwrap();
    let orders = |scope: &str, value: u32| {
        format!(
            r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"scope": {{"name": "{scope}"}}, "metrics": [{{
            "name": "orders", "sum": {{"aggregationTemporality": 2, "dataPoints": [{{"asInt": "{value}"}}]}}}}]}}]}}]}}"#
        )
    };
    for (scope, value) in [("shop", 1), ("stock", 2), ("shop", 3)] {
        post(&collector, "/v1/metrics", &orders(scope, value)).unwrap();
    }
    let points = collector.metric_points();
    let found: Vec<_> = points.iter().map(|point| (&*point.scope, &point.value)).collect();
    assert_eq!(found, [("shop", &PointValue::Sum(3.0)), ("stock", &PointValue::Sum(2.0))]);
}

#[test]
fn each_answer_is_given_once_and_only_accepted_items_are_stored() {
    let collector = Collector::start().unwrap();
    collector.answer_next([
        Answer::Refuse,
        Answer::Unavailable,
        Answer::Throttle(Duration::from_secs(3)),
        Answer::Disconnect,
        Answer::AcceptPart { items: 1 },
    ]);
    let ask = || post(&collector, "/v1/traces", TRACE);
    assert!(ask().unwrap().starts_with("HTTP/1.1 400 "));
    assert!(ask().unwrap().starts_with("HTTP/1.1 503 "));
    let throttled = ask().unwrap();
    assert!(throttled.starts_with("HTTP/1.1 429 "), "{throttled}");
    assert!(throttled.contains("\r\nretry-after: 3\r\n"), "{throttled}");
    assert_eq!(ask().unwrap_or_default(), "", "the connection is closed");
    assert_eq!(collector.ended_spans().len(), 0);
    let partial = ask().unwrap();
    assert!(partial.contains(r#""rejectedSpans":1,"#), "{partial}");
    assert_eq!(collector.ended_spans().len(), 1);
    assert!(ask().unwrap().starts_with("HTTP/1.1 200 "));
    assert_eq!(collector.ended_spans().len(), 3);

    collector.answer_all(Answer::Unavailable);
    assert!(ask().unwrap().starts_with("HTTP/1.1 503 "));
    let requests = collector.requests();
    assert_eq!(requests.len(), 7);
    assert_eq!(requests[4].answer, Answer::AcceptPart { items: 1 });
    assert_eq!((requests[4].items, &*requests[4].path), (2, "/v1/traces"));
}

#[test]
fn a_hanging_collector_receives_and_does_not_answer_until_it_stops() {
    let collector = Collector::start().unwrap();
    collector.answer_all(Answer::Hang);
    let mut stream = TcpStream::connect(collector.address()).unwrap();
    let head = "POST /v1/logs HTTP/1.1\r\nhost: c\r\ncontent-type: application/json\r\n";
    write!(stream, "{head}content-length: 2\r\n\r\n{{}}").unwrap();
    assert_eq!(collector.wait_for_requests(1).blocking()[0].answer, Answer::Hang);
    stream.set_nonblocking(true).unwrap();
    let answer = stream.read(&mut [0]).unwrap_err();
    assert_eq!(answer.kind(), io::ErrorKind::WouldBlock);
    drop(collector);
    stream.set_nonblocking(false).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_or_default(), 0, "the connection is closed");
}

#[test]
fn what_is_no_otlp_is_refused_with_the_reason() {
    let collector = Collector::start().unwrap();
    for (path, body, reason) in [
        ("/v1/profiles", "{}", "/v1/profiles is no path of OTLP/HTTP"),
        ("/v1/traces", "{", "invalid OTLP/JSON: EOF"),
        (
            "/v1/traces",
            r#"{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "0af7", "name": "a"}]}]}]}"#,
            "a trace id has 2 bytes, expected 16",
        ),
    ] {
        let response = post(&collector, path, body).unwrap();
        assert!(response.starts_with("HTTP/1.1 400 ") && response.contains(reason), "{response}");
    }
    assert_eq!(collector.requests().len(), 0);
}

#[cfg(feature = "otlp")]
mod with_exporter {
    use opentelemetry::trace::{Tracer, TracerProvider};

    use super::*;
    use crate::telemetry::Telemetry;

    fn telemetry(collector: &Collector, protocol: &'static str) -> Telemetry {
        let endpoint = collector.endpoint();
        let (telemetry, _) = Telemetry::builder()
            .service_name("shop")
            .variables(move |name| match name {
                "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(endpoint.clone()),
                "OTEL_EXPORTER_OTLP_PROTOCOL" => Some(protocol.to_owned()),
                "OTEL_EXPORTER_OTLP_COMPRESSION" => Some("gzip".to_owned()),
                _ => None,
            })
            .build()
            .unwrap();
        telemetry
    }

    #[test]
    fn spans_of_the_exporter_arrive_in_both_encodings() {
        for protocol in ["http/protobuf", "http/json"] {
            let collector = Collector::start().unwrap();
            let telemetry = telemetry(&collector, protocol);
            telemetry.tracer_provider().tracer("shop").in_span("order", |_| {});
            telemetry.force_flush().unwrap();
            collector.only().blocking().is(trace! { "order" });
            telemetry.shutdown().unwrap();
        }
    }

    #[test]
    fn a_refused_batch_is_reported_as_lost_and_a_throttled_one_is_sent_again() {
        let collector = Collector::start().unwrap();
        collector.answer_next([Answer::Throttle(Duration::ZERO), Answer::Accept, Answer::Refuse]);
        let telemetry = telemetry(&collector, "http/protobuf");
        let tracer = telemetry.tracer_provider().tracer("shop");
        tracer.in_span("throttled", |_| {});
        telemetry.force_flush().unwrap();
        tracer.in_span("refused", |_| {});
        let lost = telemetry.shutdown().unwrap_err().to_string();
        assert!(lost.starts_with("1 of 2 spans were not delivered"), "{lost}");
        collector.only().blocking().is(trace! { "throttled" });
        assert_eq!(collector.requests().len(), 3);
    }
}
