use std::time::Instant;

use opentelemetry_sdk::error::OTelSdkError;

use super::{
    collector::{Collector, Reply},
    *,
};

fn built(otlp: Otlp) -> (Telemetry, tracing::Dispatch) {
    builder().otlp(otlp).log_writer(CapturedLines::default()).build().unwrap()
}

/// Returns the result for a span that is flushed before the shutdown.
fn outcome(otlp: Otlp) -> Result<(), String> {
    let (telemetry, _dispatch) = built(otlp);
    end_a_span(&telemetry);
    telemetry.tracer_provider().force_flush().unwrap();
    telemetry.shutdown().map_err(|error| error.to_string())
}

#[test]
fn an_export_to_a_busy_collector_is_retried_after_the_required_delay() {
    const LATER: &[(&str, &str)] = &[("retry-after", "1")];
    for (status, headers) in [(429, LATER), (502, &[]), (503, &[]), (504, &[])] {
        let collector = Collector::replying([Reply::Refuse(status, headers, ""), Reply::Accept]);
        let started = Instant::now();
        outcome(Otlp::http_protobuf().endpoint(&collector.url)).unwrap();
        assert!(started.elapsed().as_secs() >= headers.len() as u64, "{status}");
        assert_eq!(collector.count(), 2);
    }
}

#[test]
fn while_a_collector_requires_a_pause_spans_wait_and_none_is_lost() {
    let busy = Reply::Refuse(503, &[("retry-after", "1")], "");
    let collector = Collector::replying([busy.clone(), busy.clone(), busy, Reply::Accept]);
    let otlp = Otlp::http_protobuf().endpoint(&collector.url).timeout(Duration::from_millis(500));
    let (telemetry, _dispatch) = built(otlp);
    for _ in 0..100 {
        end_a_span(&telemetry);
        telemetry.tracer_provider().force_flush().unwrap();
    }
    telemetry.shutdown().unwrap();
    let exports = collector.exports.try_iter().map(|export| export.spans.len());
    assert_eq!(exports.skip(3).sum::<usize>(), 100);
}

#[test]
fn the_timeout_of_batches_limits_an_export() {
    let collector = Collector::replying([Reply::Never]);
    let variables = |name: &str| (name == "OTEL_BSP_EXPORT_TIMEOUT").then(|| "150".to_owned());
    let builder = builder().otlp(Otlp::http_protobuf().endpoint(&collector.url));
    let (telemetry, _dispatch) =
        builder.variables(variables).log_writer(CapturedLines::default()).build().unwrap();
    end_a_span(&telemetry);
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(error.ends_with("1 failed (no answer within 150ms)"), "{error}");
}

/// Sends a response of 64 MiB, and returns how much of it was read.
fn endless() -> (String, Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, read) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut BufReader::new(&stream));
        let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = vec![b'x'; 1 << 20];
        let written = (0..64).take_while(|_| stream.write_all(&chunk).is_ok()).count();
        sender.send(written << 20).unwrap();
    });
    (url, read)
}

#[test]
fn a_response_is_read_up_to_a_limit() {
    let (url, read) = endless();
    let (telemetry, _dispatch) = built(Otlp::http_protobuf().endpoint(url));
    end_a_span(&telemetry);
    telemetry.shutdown().unwrap_err();
    let read = read.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(read < 32 << 20, "{read}");
}

#[test]
fn a_message_of_a_response_is_quoted_up_to_a_limit() {
    let message: &'static str = "no room. ".repeat(10_000).leak();
    let collector = Collector::replying([Reply::Refuse(400, &[], message)]);
    let error = outcome(Otlp::http_protobuf().endpoint(&collector.url)).unwrap_err();
    assert!(error.contains("no room. no room. ") && error.len() < 500, "{}", error.len());
}

#[test]
fn metrics_are_exported_although_the_export_of_spans_takes_the_whole_time() {
    let (spans, metrics) =
        (Collector::replying([Reply::Never]), Collector::replying([Reply::Accept]));
    let urls = [&spans, &metrics].map(|collector| format!("{}/in", collector.url));
    let variables = move |name: &str| match name {
        "OTEL_METRICS_EXPORTER" => Some("otlp".to_owned()),
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" => Some(urls[0].clone()),
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" => Some(urls[1].replace("/in", "/metrics")),
        _ => None,
    };
    let builder = builder().variables(variables).shutdown_timeout(Duration::from_secs(2));
    let (telemetry, _dispatch) = builder.log_writer(CapturedLines::default()).build().unwrap();
    end_a_span(&telemetry);
    let error = telemetry.shutdown().unwrap_err();
    assert_eq!(metrics.count(), 1, "{error}");
    assert_eq!(error.losses().len(), 1, "{error}");
}

#[test]
fn a_flush_times_out_during_a_pause_and_its_spans_wait_for_the_end() {
    let busy = Reply::Refuse(503, &[("retry-after", "60")], "");
    let collector = Collector::replying([busy, Reply::Accept]);
    let (telemetry, _dispatch) = built(Otlp::http_protobuf().endpoint(&collector.url));
    end_a_span(&telemetry);
    let flushed = telemetry.tracer_provider().force_flush();
    assert!(matches!(flushed, Err(OTelSdkError::Timeout(_))), "{flushed:?}");
    assert_eq!(collector.count(), 1);
    telemetry.shutdown().unwrap();
    assert_eq!(collector.next().spans, ["order"]);
}

#[test]
fn a_pause_is_the_reason_of_the_spans_without_a_place() {
    let collector = Collector::replying([Reply::Refuse(503, &[("retry-after", "1")], "busy")]);
    let lines = CapturedLines::default();
    let limits = |name: &str| name.starts_with("OTEL_BSP_MAX").then(|| "4".to_owned());
    let builder = builder().otlp(Otlp::http_json().endpoint(&collector.url)).variables(limits);
    let (telemetry, _dispatch) = builder.log_writer(lines.clone()).build().unwrap();
    (0..4).for_each(|_| end_a_span(&telemetry));
    (0..2).for_each(|_| drop(collector.next()));
    end_a_span(&telemetry);
    let error = "the queue is full: HTTP 503 Service Unavailable: busy";
    assert!(lines.all()[0].contains(error), "{:?}", lines.all());
    telemetry.shutdown().unwrap_err();
    assert_eq!(lines.all().len(), 1);
}

#[test]
fn a_date_is_relative_to_the_clock_of_the_collector() {
    const AHEAD: &[(&str, &str)] = &[
        ("date", "Sun, 06 Nov 2050 08:49:37 GMT"),
        ("retry-after", "Sun, 06 Nov 2050 08:49:38 GMT"),
    ];
    let collector = Collector::replying([Reply::Refuse(503, AHEAD, ""), Reply::Accept]);
    let started = Instant::now();
    outcome(Otlp::http_json().endpoint(&collector.url)).unwrap();
    assert!((1..5).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[test]
fn a_shutdown_ends_a_long_pause_with_one_attempt_for_each_batch() {
    let reply = Reply::Refuse(503, &[("retry-after", "60")], "no \u{1b}room");
    let collector = Collector::replying([reply]);
    let (telemetry, _dispatch) = built(Otlp::http_protobuf().endpoint(&collector.url));
    end_a_span(&telemetry);
    let provider = telemetry.tracer_provider().clone();
    let flushing = thread::spawn(move || provider.force_flush());
    collector.next();
    (0..5).for_each(|_| end_a_span(&telemetry));
    let started = Instant::now();
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(error.starts_with("6 of 6 spans"), "{error}");
    assert!(error.ends_with(r"6 failed (HTTP 503 Service Unavailable: no \u{1b}room)"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!(collector.count(), 2);
    let _ = flushing.join().unwrap();
}

#[test]
fn a_permanent_failure_is_not_retried() {
    for status in [302, 400, 401, 404, 413, 500, 501] {
        let collector = Collector::replying([Reply::Refuse(status, &[("location", "/")], "")]);
        let error = outcome(Otlp::http_json().endpoint(&collector.url)).unwrap_err();
        assert!(error.contains(&format!("(HTTP {status} ")), "{error}");
        assert_eq!(collector.count(), 1);
    }
}

#[test]
fn an_export_to_a_collector_that_never_answers_ends_at_the_timeout() {
    let protocols = [Otlp::http_protobuf(), Otlp::http_json(), Otlp::grpc()];
    for otlp in protocols {
        let collector = Collector::replying([Reply::Never]);
        let timeout = Duration::from_millis(200);
        let started = Instant::now();
        let error = outcome(otlp.endpoint(&collector.url).timeout(timeout)).unwrap_err();
        assert!(error.ends_with("1 failed (no answer within 200ms)"), "{error}");
        assert!(started.elapsed() >= timeout);
    }
}

#[test]
fn a_refused_connection_is_retried_until_the_timeout() {
    let started = Instant::now();
    let timeout = Duration::from_millis(700);
    let otlp = Otlp::http_protobuf().endpoint(nowhere()).timeout(timeout);
    let error = outcome(otlp).unwrap_err();
    assert!(error.ends_with("1 failed (Connection refused (os error 111))"), "{error}");
    assert!(started.elapsed() >= Duration::from_millis(150), "{:?}", started.elapsed());
}

#[test]
fn a_shutdown_does_not_wait_for_a_busy_collector_and_tries_once_more() {
    let busy = Reply::Refuse(503, &[("retry-after", "8")], "");
    let collector = Collector::replying([busy, Reply::Accept]);
    let (telemetry, _dispatch) = built(Otlp::http_protobuf().endpoint(&collector.url));
    let provider = telemetry.tracer_provider().clone();
    end_a_span(&telemetry);
    let flushing = thread::spawn(move || provider.force_flush());
    collector.next();

    let started = Instant::now();
    telemetry.shutdown().unwrap();
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    collector.next();
    flushing.join().unwrap().unwrap();
}

mod over_grpc {
    use std::io::Read;

    use tonic::{Code, Status};

    use super::*;

    #[test]
    fn an_export_to_an_unavailable_collector_is_retried() {
        let replies = [Reply::Status(Status::unavailable("starting")), Reply::Accept];
        let collector = Collector::replying(replies);
        outcome(Otlp::grpc().endpoint(&collector.url)).unwrap();
        assert_eq!(collector.count(), 2);
    }

    #[test]
    fn resource_exhausted_is_retried_after_the_required_delay() {
        let details = crate::export::otlp::protocol::grpc::tests::after(0, 300_000_000);
        let status = Status::with_details(Code::ResourceExhausted, "full", details);
        let collector = Collector::replying([Reply::Status(status), Reply::Accept]);
        let started = Instant::now();
        outcome(Otlp::grpc().endpoint(&collector.url)).unwrap();
        assert!(started.elapsed() >= Duration::from_millis(300));
        assert_eq!(collector.count(), 2);
    }

    #[test]
    fn a_permanent_failure_is_not_retried_and_is_reported() {
        let status = Status::permission_denied("no such tenant \u{1b}");
        let collector = Collector::replying([Reply::Status(status)]);
        let error = outcome(Otlp::grpc().endpoint(&collector.url)).unwrap_err();
        let reason = r"1 failed (gRPC PERMISSION_DENIED: no such tenant \u{1b})";
        assert!(error.ends_with(reason), "{error}");
        assert_eq!(collector.count(), 1);
    }

    #[test]
    fn a_refusal_of_a_proxy_is_retried_after_the_required_delay() {
        let busy = Reply::Refuse(503, &[("retry-after", "0")], "");
        let collector = Collector::replying([busy, Reply::Accept]);
        outcome(Otlp::grpc().endpoint(&collector.url)).unwrap();
        assert_eq!(collector.count(), 1);
    }

    #[test]
    fn a_response_that_is_not_grpc_is_reported() {
        let collector = Collector::replying([Reply::Refuse(200, &[], "")]);
        let error = outcome(Otlp::grpc().endpoint(&collector.url)).unwrap_err();
        let reason = "1 failed (not a gRPC response: it has no grpc-status)";
        assert!(error.ends_with(reason), "{error}");
    }

    #[test]
    fn a_server_without_http_2_is_reported() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(answer).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        let otlp = Otlp::grpc().endpoint(url).timeout(Duration::from_millis(300));
        let error = outcome(otlp).unwrap_err();
        assert!(error.contains("1 failed (not an HTTP/2 response: "), "{error}");
    }
}
