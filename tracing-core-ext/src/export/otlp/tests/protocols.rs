use opentelemetry::{KeyValue, trace::Span};

use super::{
    collector::{Collector, Reply},
    *,
};
use crate::config::Compression;

/// Returns options for each protocol, with the path to which each sends spans.
fn protocols() -> Vec<(Otlp, &'static str)> {
    vec![
        (Otlp::http_protobuf(), "/v1/traces"),
        (Otlp::http_json(), "/v1/traces"),
        (Otlp::grpc(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
    ]
}

fn built(otlp: Otlp, lines: &CapturedLines) -> (Telemetry, tracing::Dispatch) {
    builder().otlp(otlp).log_writer(lines.clone()).build().unwrap()
}

#[test]
fn spans_arrive_by_each_protocol_compressed_or_not() {
    for compression in [Compression::None, Compression::Gzip] {
        for (otlp, path) in protocols() {
            let collector = Collector::replying([Reply::Accept]);
            let otlp = otlp.endpoint(&collector.url).compression(compression);
            let (telemetry, _dispatch) = built(otlp, &CapturedLines::default());
            end_a_span(&telemetry);
            telemetry.shutdown().unwrap();

            let export = collector.next();
            assert_eq!((export.path.as_str(), export.spans), (path, vec!["order".to_owned()]));
            let encoding = ["content-encoding", "grpc-encoding"];
            let encoding = encoding.iter().find_map(|name| export.headers.get(*name));
            let expected = (compression == Compression::Gzip).then_some("gzip");
            assert_eq!(encoding.map(|value| value.to_str().unwrap()), expected);
        }
    }
}

#[test]
fn only_the_headers_of_otlp_and_configured_ones_are_sent() {
    for (otlp, _) in protocols() {
        let collector = Collector::replying([Reply::Accept]);
        let otlp = otlp.endpoint(&collector.url).header("x-tenant", "shop");
        let (telemetry, _dispatch) = built(otlp, &CapturedLines::default());
        end_a_span(&telemetry);
        telemetry.shutdown().unwrap();

        let headers = collector.next().headers;
        assert_eq!(headers["x-tenant"], "shop");
        assert!(headers["user-agent"].to_str().unwrap().starts_with("tracing-core-ext-OTLP-"));
        let known =
            ["accept", "content-length", "content-type", "host", "te", "user-agent", "x-tenant"];
        let unknown: Vec<_> =
            headers.keys().filter(|name| !known.contains(&name.as_str())).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

#[test]
fn json_has_ids_in_hex_numbers_as_strings_and_no_null() {
    let collector = Collector::replying([Reply::Accept]);
    let (telemetry, _dispatch) =
        built(Otlp::http_json().endpoint(&collector.url), &CapturedLines::default());
    let tracer = telemetry.tracer_provider().tracer("test");
    let mut span = tracer.start("order");
    span.set_attribute(KeyValue::new("n", 7));
    span.set_attribute(KeyValue::new("share", f64::NAN));
    span.set_attribute(KeyValue::new("ratio", f64::NEG_INFINITY));
    let id = span.span_context().trace_id().to_string();
    drop(span);
    telemetry.shutdown().unwrap();

    let text = collector.next().text;
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let span = &json["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["traceId"], id.as_str());
    assert_eq!(span["attributes"][0]["value"]["intValue"], "7");
    assert_eq!(span["attributes"][1]["value"]["doubleValue"], "NaN");
    assert_eq!(span["attributes"][2]["value"]["doubleValue"], "-Infinity");
    assert!(span["startTimeUnixNano"].is_string());
    assert!(!text.contains("null"), "{text}");
}

#[test]
fn requests_of_grpc_announce_that_trailers_are_read() {
    let collector = Collector::replying([Reply::Accept]);
    let (telemetry, _dispatch) =
        built(Otlp::grpc().endpoint(&collector.url), &CapturedLines::default());
    end_a_span(&telemetry);
    telemetry.shutdown().unwrap();
    assert_eq!(collector.next().headers["te"], "trailers");
}

#[test]
fn rejected_spans_have_failed_with_each_protocol() {
    for (otlp, _) in protocols() {
        let collector = Collector::replying([Reply::Partial(2, "too\nold"), Reply::Accept]);
        let lines = CapturedLines::default();
        let (telemetry, _dispatch) = built(otlp.endpoint(&collector.url), &lines);
        (0..3).for_each(|_| end_a_span(&telemetry));
        telemetry.tracer_provider().force_flush().unwrap();
        let error = telemetry.shutdown().unwrap_err();
        let loss = &error.losses()[0];
        assert_eq!((loss.delivered(), loss.lost()), (1, 2));
        let reason = r"2 failed (rejected by the collector: too\u{a}old)";
        assert!(error.to_string().ends_with(reason), "{error}");
    }
}

#[test]
fn a_warning_of_a_collector_is_logged_when_it_changes() {
    for (otlp, _) in protocols() {
        let slow = Reply::Partial(0, "use gzip");
        let replies = [slow.clone(), slow, Reply::Partial(0, "thanks"), Reply::Accept];
        let collector = Collector::replying(replies);
        let lines = CapturedLines::default();
        let (telemetry, _dispatch) = built(otlp.endpoint(&collector.url), &lines);
        for _ in 0..4 {
            end_a_span(&telemetry);
            telemetry.tracer_provider().force_flush().unwrap();
        }
        telemetry.shutdown().unwrap();
        let lines = lines.all();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines[0].contains("WARN") && lines[0].contains("message of the collector: use gzip")
        );
        assert!(lines[1].contains("message of the collector: thanks"), "{lines:?}");
    }
}

#[test]
fn spans_are_sent_with_a_custom_client() {
    let collector = Collector::replying([Reply::Accept]);
    let mut headers = ::http::HeaderMap::new();
    headers.insert("x-client", "mine".parse().unwrap());
    let client = reqwest::Client::builder().default_headers(headers).build().unwrap();
    let otlp = Otlp::http_json().endpoint(&collector.url).http_client(client);
    let (telemetry, _dispatch) = built(otlp, &CapturedLines::default());
    end_a_span(&telemetry);
    telemetry.shutdown().unwrap();
    assert_eq!(collector.next().headers["x-client"], "mine");
}
