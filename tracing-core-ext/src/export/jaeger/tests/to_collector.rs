use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use opentelemetry::trace::{Tracer, TracerProvider};

use super::{builder, wire};
use crate::{
    export::jaeger::endpoint::JaegerEndpoint,
    telemetry::{Telemetry, TelemetryBuilder, log_format::tests::CapturedLines},
};

struct Collector {
    url: String,
    requests: Receiver<(String, Vec<u8>)>,
}

impl Collector {
    fn answering(answer: &'static str) -> Self {
        Self::answering_in_turn(vec![answer])
    }

    /// Answers each connection once: with these responses in turn, written after `HTTP/1.1`, and
    /// then with the last.
    fn answering_in_turn(answers: Vec<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api/traces", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        thread::spawn(move || {
            for (at, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let request = read_request(&mut BufReader::new(&stream));
                if sender.send(request).is_err() {
                    return;
                }
                let answer = answers[at.min(answers.len() - 1)];
                write!(stream, "HTTP/1.1 {answer}").unwrap();
            }
        });
        Self { url, requests }
    }

    fn telemetry(&self) -> TelemetryBuilder {
        let endpoint = JaegerEndpoint::collector(&self.url).unwrap();
        builder().jaeger(endpoint).log_writer(CapturedLines::default())
    }
}

fn read_request(stream: &mut impl BufRead) -> (String, Vec<u8>) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let length = head.to_ascii_lowercase();
    let length = length.split_once("content-length: ").unwrap().1;
    let mut body = vec![0; length.lines().next().unwrap().parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (head, body)
}

const ACCEPTED: &str = "202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn end_a_span(telemetry: &Telemetry) {
    drop(telemetry.tracer_provider().tracer("test").start("order"));
}

fn assert_delivers() {
    let collector = Collector::answering(ACCEPTED);
    let (telemetry, _dispatch) = collector.telemetry().build().unwrap();
    (0..2).for_each(|_| end_a_span(&telemetry));
    telemetry.shutdown().unwrap();
    let (head, body) = collector.requests.recv().unwrap();
    assert!(head.starts_with("POST /api/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/vnd.apache.thrift.binary\r\n"), "{head}");
    assert!(!head.contains("authorization"), "{head}");
    let batch = wire::read_body(&body);
    assert_eq!((&*batch.service_name, batch.spans.len()), ("checkout", 2));
    assert_eq!(batch.spans[0].name, "order");
}

#[test]
fn a_collector_gets_spans_without_any_runtime() {
    assert_delivers();
}

#[tokio::test(flavor = "current_thread")]
async fn a_collector_gets_spans_from_inside_a_single_threaded_runtime() {
    assert_delivers();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_collector_gets_spans_from_inside_a_multi_threaded_runtime() {
    assert_delivers();
}

#[test]
fn user_and_password_are_sent_as_basic_authentication() {
    let collector = Collector::answering(ACCEPTED);
    let (telemetry, _dispatch) = collector
        .telemetry()
        .variables(|name| match name {
            "OTEL_EXPORTER_JAEGER_USER" => Some("me".to_owned()),
            "OTEL_EXPORTER_JAEGER_PASSWORD" => Some("secret".to_owned()),
            _ => None,
        })
        .build()
        .unwrap();
    end_a_span(&telemetry);
    telemetry.shutdown().unwrap();
    let (head, _) = collector.requests.recv().unwrap();
    assert!(head.contains("authorization: Basic bWU6c2VjcmV0\r\n"), "{head}");
}

fn refusal_of(collector: &Collector) -> String {
    let (telemetry, _dispatch) = collector.telemetry().build().unwrap();
    end_a_span(&telemetry);
    let error = telemetry.shutdown().unwrap_err().to_string();
    let start = format!("1 of 1 spans were not delivered to {}: 1 failed (", collector.url);
    let reason = error.strip_prefix(&start).unwrap_or_else(|| panic!("{error}"));
    reason.strip_suffix(')').unwrap().to_owned()
}

#[test]
fn a_refusal_of_the_collector_is_one_line_with_its_status_and_message() {
    let collector = Collector::answering("400 Bad Request\r\ncontent-length: 9\r\n\r\nbad\nbatch");
    let expected = r"HTTP 400 Bad Request: bad\u{a}batch";
    assert_eq!(refusal_of(&collector), expected);
}

const TOO_LARGE: &str = "413 Payload Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[test]
fn a_batch_that_is_too_large_is_sent_in_parts_and_later_ones_are_split_in_advance() {
    let collector = Collector::answering_in_turn(vec![TOO_LARGE, ACCEPTED]);
    let (telemetry, _dispatch) = collector.telemetry().build().unwrap();
    let requests = || {
        (0..8).for_each(|_| end_a_span(&telemetry));
        telemetry.tracer_provider().force_flush().unwrap();
        let requests = collector.requests.try_iter();
        Vec::from_iter(requests.map(|(_, body)| wire::read_body(&body).spans.len()))
    };
    assert_eq!(requests(), [8, 4, 4]);
    assert_eq!(requests(), [4, 4]);
    telemetry.shutdown().unwrap();
}

#[test]
fn a_span_that_is_too_large_is_lost_alone() {
    let collector = Collector::answering_in_turn(vec![TOO_LARGE, TOO_LARGE, ACCEPTED]);
    let (telemetry, _dispatch) = collector.telemetry().build().unwrap();
    (0..2).for_each(|_| end_a_span(&telemetry));
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(error.starts_with("1 of 2 spans were not delivered"), "{error}");
    assert!(error.contains("HTTP 413 Payload Too Large"), "{error}");
}

#[test]
fn an_export_to_a_busy_collector_is_retried() {
    let busy = "503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let collector = Collector::answering_in_turn(vec![busy, ACCEPTED]);
    let (telemetry, _dispatch) = collector.telemetry().build().unwrap();
    end_a_span(&telemetry);
    telemetry.tracer_provider().force_flush().unwrap();
    telemetry.shutdown().unwrap();
    let bodies: Vec<_> = collector.requests.try_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies.len(), 2);
    assert!(bodies[0] == bodies[1]);
}

#[test]
fn spans_wait_for_a_collector_that_requires_a_pause_until_the_shutdown() {
    let busy = "503 Busy\r\nretry-after: 60\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let collector = Collector::answering(busy);
    let (telemetry, _dispatch) = collector.telemetry().build().unwrap();
    end_a_span(&telemetry);
    let provider = telemetry.tracer_provider().clone();
    let flushing = thread::spawn(move || provider.force_flush());
    collector.requests.recv().unwrap();
    (0..5).for_each(|_| end_a_span(&telemetry));
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(error.starts_with("6 of 6 spans"), "{error}");
    assert_eq!(collector.requests.try_iter().count(), 2, "one attempt for each batch");
    let _ = flushing.join().unwrap();
}

#[test]
fn a_redirect_is_a_failure_and_not_followed() {
    let collector =
        Collector::answering("302 Found\r\nlocation: /api/v2\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(refusal_of(&collector), "HTTP 302 Found");
    assert_eq!(collector.requests.try_iter().count(), 1);
}

#[test]
fn a_collector_that_does_not_listen_is_a_failure_with_its_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/traces", listener.local_addr().unwrap());
    drop(listener);
    let (_, requests) = channel();
    let reason = refusal_of(&Collector { url, requests });
    assert!(reason.contains("refused"), "{reason}");
}

#[test]
fn a_collector_that_never_answers_is_a_failure_at_the_timeout() {
    for variable in ["OTEL_EXPORTER_JAEGER_TIMEOUT", "OTEL_BSP_EXPORT_TIMEOUT"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api/traces", listener.local_addr().unwrap());
        let (telemetry, _dispatch) = builder()
            .jaeger(url.parse().unwrap())
            .log_writer(CapturedLines::default())
            .variables(move |name| (name == variable).then(|| "50".to_owned()))
            .build()
            .unwrap();
        end_a_span(&telemetry);
        let error = telemetry.shutdown().unwrap_err().to_string();
        assert!(error.contains("1 failed (no answer within 50ms)"), "{variable}: {error}");
    }
}
