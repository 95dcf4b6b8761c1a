pub(crate) mod collector;
mod faults;
mod grpc;
mod logs;
mod protocols;
mod proxy;
mod size;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;

use super::*;
use crate::telemetry::{
    ResourceDetectors, Telemetry, TelemetryBuilder, log_format::tests::CapturedLines,
};

/// Content of one export.
pub(crate) struct Sent {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Answers each connection once with this status, and sends the received request to the test.
pub(crate) fn collector(status: &'static str) -> (String, Receiver<Sent>) {
    collector_answering(status, b"")
}

fn collector_answering(status: &'static str, body: &[u8]) -> (String, Receiver<Sent>) {
    let length = body.len();
    let head = format!("{status}\r\ncontent-length: {length}\r\nconnection: close");
    collector_writing(&head, body)
}

/// Writes this head and body on each connection, and closes it.
fn collector_writing(head: &str, body: &[u8]) -> (String, Receiver<Sent>) {
    let response = [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let sent = read_request(&mut BufReader::new(&stream));
            let is_over = sender.send(sent).is_err();
            stream.write_all(&response).unwrap();
            if is_over {
                return;
            }
        }
    });
    (url, received)
}

fn read_request(stream: &mut impl BufRead) -> Sent {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let length = head.to_ascii_lowercase();
    let length = length.split_once("content-length: ").unwrap().1;
    let length = length.lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Sent { head, body }
}

/// Returns a URL on which no server listens.
pub(crate) fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// The resource is small, so that sizes of requests are those of their items.
fn builder() -> TelemetryBuilder {
    let builder = Telemetry::builder().resource_detectors(ResourceDetectors::none());
    builder.variables(|_| None).service_name("checkout")
}

/// Returns options with a short timeout.
fn briefly(url: &str) -> Otlp {
    Otlp::http_protobuf().endpoint(url).timeout(Duration::from_millis(40))
}

pub(crate) fn end_a_span(telemetry: &Telemetry) {
    drop(telemetry.tracer_provider().tracer("test").start("order"));
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|part| part == text.as_bytes())
}

fn assert_delivers(url: String, received: &Receiver<Sent>) {
    let (telemetry, _dispatch) = builder().otlp_endpoint(url).build().unwrap();
    end_a_span(&telemetry);
    telemetry.shutdown().unwrap();
    let sent = received.recv().unwrap();
    assert!(sent.head.starts_with("POST /v1/traces "), "{}", sent.head);
    assert!(sent.head.contains("application/x-protobuf"), "{}", sent.head);
    assert!(contains(&sent.body, "checkout") && contains(&sent.body, "order"));
}

#[test]
fn spans_are_delivered_without_any_runtime() {
    let (url, received) = collector("200 OK");
    assert_delivers(url, &received);
}

#[tokio::test(flavor = "current_thread")]
async fn spans_are_delivered_from_inside_a_single_threaded_runtime() {
    let (url, received) = collector("200 OK");
    assert_delivers(url, &received);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn spans_are_delivered_from_inside_a_multi_threaded_runtime() {
    let (url, received) = collector("200 OK");
    assert_delivers(url, &received);
}

#[tokio::test(flavor = "current_thread")]
async fn an_unreachable_endpoint_is_one_log_line_and_an_error_at_shutdown() {
    let url = nowhere();
    let lines = CapturedLines::default();
    let (telemetry, _dispatch) =
        builder().otlp(briefly(&url)).log_writer(lines.clone()).build().unwrap();
    for _ in 0..2 {
        end_a_span(&telemetry);
        telemetry.tracer_provider().force_flush().unwrap();
    }
    let error = telemetry.shutdown().unwrap_err().to_string();
    let lost = format!("2 of 2 spans were not delivered to {url}/v1/traces: 2 failed (");
    assert!(error.starts_with(&lost), "{error}");
    assert!(error.contains("refused"), "{error}");
    let lines = lines.all();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains(&url) && lines[0].contains("refused"), "{lines:?}");
}

#[test]
fn a_refusal_of_the_collector_is_reported_with_its_status() {
    let (url, _received) = collector("401 Unauthorized");
    let (telemetry, _dispatch) =
        builder().otlp_endpoint(url).log_writer(CapturedLines::default()).build().unwrap();
    end_a_span(&telemetry);
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(error.contains("1 failed") && error.contains("401"), "{error}");
}

#[test]
fn a_redirect_is_a_failure_and_not_followed() {
    let (url, received) = collector("302 Found\r\nlocation: /v2/traces");
    let (telemetry, _dispatch) =
        builder().otlp_endpoint(url).log_writer(CapturedLines::default()).build().unwrap();
    end_a_span(&telemetry);
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(error.contains("1 failed") && error.contains("302"), "{error}");
    assert_eq!(received.try_iter().count(), 1);
}

#[test]
fn a_web_page_is_not_a_response_of_a_collector() {
    const PAGE: &[u8] = b"<html>Welcome</html>";
    for otlp in [Otlp::http_protobuf(), Otlp::http_json()] {
        let answer = "200 OK\r\ncontent-type: Text/html; charset=utf-8";
        let (url, received) = collector_answering(answer, PAGE);
        let lines = CapturedLines::default();
        let (telemetry, _dispatch) =
            builder().otlp(otlp.endpoint(url)).log_writer(lines.clone()).build().unwrap();
        end_a_span(&telemetry);
        let error = telemetry.shutdown().unwrap_err().to_string();
        assert!(error.ends_with("1 failed (answered Text/html, not OTLP)"), "{error}");
        assert_eq!(received.try_iter().count(), 1);
    }
}

#[test]
fn every_other_success_accepts_all_spans() {
    let (url, received) = collector("202 Accepted\r\ncontent-type: text/plain");
    assert_delivers(url, &received);
    let (url, received) =
        collector_answering("200 OK\r\ncontent-type: text/plain", b"\x0a\x02\x08\x07");
    assert_delivers(url, &received);
}

#[test]
fn a_success_whose_body_is_cut_off_accepts_all_spans() {
    let head = "200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 9";
    let (url, received) = collector_writing(head, b"\x0a");
    assert_delivers(url, &received);
    assert_eq!(received.try_iter().count(), 0, "nothing is sent twice");
}

#[test]
fn rejected_spans_have_failed_with_the_message_of_the_collector_in_one_line() {
    let partial_success =
        Some(ExportTracePartialSuccess { rejected_spans: 2, error_message: "too\nold".to_owned() });
    let answer = ExportTraceServiceResponse { partial_success };
    let (url, _received) = collector_answering("200 OK", &answer.encode_to_vec());
    let lines = CapturedLines::default();
    let (telemetry, _dispatch) =
        builder().otlp_endpoint(url).log_writer(lines.clone()).build().unwrap();
    for _ in 0..2 {
        (0..3).for_each(|_| end_a_span(&telemetry));
        telemetry.tracer_provider().force_flush().unwrap();
    }
    let error = telemetry.shutdown().unwrap_err();
    let loss = &error.losses()[0];
    assert_eq!((loss.ended(), loss.delivered(), loss.lost()), (6, 2, 4));
    let reason = r"4 failed (rejected by the collector: too\u{a}old)";
    assert!(error.to_string().ends_with(reason), "{error}");
    let lines = lines.all();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("rejected by"), "{lines:?}");
}

#[test]
fn headers_of_the_environment_are_sent_and_beat_those_of_the_exporter() {
    let (url, received) = collector("200 OK");
    let headers = "authorization=Basic%20bWU6eA==,user-agent=shop";
    let (telemetry, _dispatch) = builder()
        .otlp_endpoint(url)
        .variables(move |name| (name == "OTEL_EXPORTER_OTLP_HEADERS").then(|| headers.to_owned()))
        .build()
        .unwrap();
    end_a_span(&telemetry);
    telemetry.shutdown().unwrap();
    let head = received.recv().unwrap().head;
    assert!(head.contains("\r\nauthorization: Basic bWU6eA==\r\n"), "{head}");
    assert!(head.contains("\r\nuser-agent: shop\r\n"), "{head}");
    assert_eq!(head.matches("user-agent").count(), 1, "{head}");
}

#[cfg(not(feature = "tls"))]
#[test]
fn https_without_tls_is_refused_with_the_setting_it_comes_from() {
    const EXPECTED: &str =
        "expected an http:// URL, because the feature `tls` of tracing-core-ext is off";
    let error = builder().otlp_endpoint("https://a.example").build().unwrap_err().to_string();
    assert_eq!(error, format!("otlp_endpoint()=\"https://a.example\": {EXPECTED}"));

    let variable = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let set = move |name: &str| (name == variable).then(|| "https://a.example/x".to_owned());
    let error = builder().variables(set).build().unwrap_err().to_string();
    assert_eq!(error, format!("{variable}=\"https://a.example/x\": {EXPECTED}"));
}
