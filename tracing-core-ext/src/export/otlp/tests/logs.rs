//! Export of log records.

use std::{fmt, io, sync::Mutex, time::Instant};

use opentelemetry::trace::TraceContextExt;
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, any_value::Value},
    logs::v1::LogRecord,
};
use tracing::{Dispatch, dispatcher::with_default};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{
    collector::{Collector, Export, Reply},
    *,
};
use crate::config::Compression;

/// Returns options for each protocol, with the path to which each sends log records.
fn protocols() -> [(Otlp, &'static str); 3] {
    [
        (Otlp::http_protobuf(), "/v1/logs"),
        (Otlp::http_json(), "/v1/logs"),
        (Otlp::grpc(), "/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
    ]
}

/// Telemetry that exports only log records.
fn logs_of(otlp: Otlp, lines: &CapturedLines) -> TelemetryBuilder {
    builder()
        .variables(|name| (name == "OTEL_BLRP_SCHEDULE_DELAY").then(|| "3600000".to_owned()))
        .exporter(opentelemetry_sdk::trace::InMemorySpanExporter::default())
        .log_writer(lines.clone())
        .with_log_options(otlp)
        .otlp_logs()
}

impl TelemetryBuilder {
    fn with_log_options(mut self, otlp: Otlp) -> Self {
        self.log_records.otlp = Some(Box::new(otlp));
        self
    }
}

struct Exported {
    exports: Vec<Export>,
    result: Result<(), String>,
    lines: Vec<String>,
}

impl Exported {
    /// Returns the messages of each request.
    fn requests(&self) -> Vec<Vec<&str>> {
        let exports = self.exports.iter();
        exports.map(|it| it.logs.iter().map(|(_, record)| body(record)).collect()).collect()
    }

    fn only(&self) -> &(String, LogRecord) {
        assert_eq!((self.exports.len(), self.exports[0].logs.len()), (1, 1), "{:?}", self.exports);
        &self.exports[0].logs[0]
    }
}

fn body(record: &LogRecord) -> &str {
    text(record.body.as_ref())
}

fn text(value: Option<&AnyValue>) -> &str {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{other:?} is not a string"),
    }
}

fn attribute<'a>(record: &'a LogRecord, key: &str) -> Option<&'a Value> {
    let found = record.attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.as_ref()?.value.as_ref()
}

/// Exports the events of `log` in one batch.
fn export(otlp: Otlp, replies: &[Reply], log: impl FnOnce()) -> Exported {
    let collector = Collector::replying(replies.to_vec());
    let lines = CapturedLines::default();
    let otlp = otlp.endpoint(&collector.url);
    let (telemetry, dispatch) = logs_of(otlp, &lines).build().unwrap();
    with_default(&dispatch, log);
    let result = telemetry.shutdown().map_err(|error| error.to_string());
    Exported { exports: collector.exports.try_iter().collect(), result, lines: lines.all() }
}

#[test]
fn events_arrive_by_each_protocol_compressed_or_not() {
    for compression in [Compression::None, Compression::Gzip] {
        for (otlp, path) in protocols() {
            let exported = export(otlp.compression(compression), &[Reply::Accept], || {
                tracing::warn!(target: "shop::stock", item = "tea", left = 0, "sold out");
            });
            exported.result.as_ref().unwrap();
            assert_eq!(exported.exports[0].path, path);
            let (scope, record) = exported.only();
            assert_eq!((scope.as_str(), body(record)), ("shop::stock", "sold out"));
            assert_eq!((record.severity_number, record.severity_text.as_str()), (13, "WARN"));
            assert_eq!(attribute(record, "item"), Some(&Value::StringValue("tea".to_owned())));
            assert_eq!(attribute(record, "left"), Some(&Value::IntValue(0)));
            assert_eq!(exported.lines.len(), 1, "it is printed as well: {:?}", exported.lines);
        }
    }
}

#[test]
fn fields_have_their_types() {
    let error = io::Error::other(io::Error::other("no stock"));
    let error: &(dyn std::error::Error + 'static) = &error;
    let exported = export(Otlp::http_protobuf(), &[Reply::Accept], || {
        tracing::error!(
            i = -7_i64,
            u = 7_u64,
            large = u64::MAX,
            huge = i128::MAX,
            small = 3_u128,
            ratio = 0.5,
            sold = true,
            text = "tea",
            shown = %"tea",
            debug = ?Some("tea"),
            error,
            second = error,
            "failed"
        );
    });
    let (_, record) = exported.only();
    let string = |text: &str| Value::StringValue(text.to_owned());
    let line = record.attributes.iter().find(|it| it.key == "code.line.number").unwrap();
    assert!(matches!(line.value.as_ref().unwrap().value, Some(Value::IntValue(1..))));
    for (key, expected) in [
        ("i", Value::IntValue(-7)),
        ("u", Value::IntValue(7)),
        ("large", string("18446744073709551615")),
        ("huge", string("170141183460469231731687303715884105727")),
        ("small", Value::IntValue(3)),
        ("ratio", Value::DoubleValue(0.5)),
        ("sold", Value::BoolValue(true)),
        ("text", string("tea")),
        ("shown", string("tea")),
        ("debug", string("Some(\"tea\")")),
        ("exception.message", string("no stock")),
        ("second", string("no stock")),
        ("code.file.path", string(file!())),
    ] {
        assert_eq!(attribute(record, key), Some(&expected), "{key}");
    }
    assert_eq!(record.attributes.len(), 14, "{:?}", record.attributes);
    assert_eq!((record.dropped_attributes_count, record.event_name.as_str()), (0, ""));
    assert!(record.time_unix_nano > 0);
    assert_eq!(record.observed_time_unix_nano, record.time_unix_nano);
}

#[test]
fn a_record_has_the_ids_of_its_own_span() {
    for (otlp, _) in protocols() {
        let collector = Collector::replying([Reply::Accept]);
        let lines = CapturedLines::default();
        let builder = logs_of(otlp.endpoint(&collector.url), &lines);
        let (telemetry, dispatch) = builder.build().unwrap();
        let spans = with_default(&dispatch, || {
            let [first, second] = [(); 2].map(|()| tracing::info_span!(parent: None, "job"));
            second.in_scope(|| {
                tracing::info!("second");
                tracing::info!(parent: &first, "first");
                tracing::info!(parent: None, "none");
            });
            tracing::info!("none");
            [first, second].map(|span| span.context().span().span_context().clone())
        });
        telemetry.shutdown().unwrap();
        let records = collector.next().logs;
        assert_eq!(records.len(), 4);
        for (_, record) in records {
            let span = match body(&record) {
                "first" => Some(&spans[0]),
                "second" => Some(&spans[1]),
                _ => None,
            };
            let trace_id = span.map(|span| span.trace_id().to_bytes().to_vec());
            let span_id = span.map(|span| span.span_id().to_bytes().to_vec());
            assert_eq!(record.trace_id, trace_id.unwrap_or_default());
            assert_eq!(record.span_id, span_id.unwrap_or_default());
            let flags = span.map_or(0, |span| span.trace_flags().to_u8());
            assert_eq!(record.flags, u32::from(flags));
        }
        let ids = |line: &String| line.contains("trace_id=");
        assert_eq!(
            lines.all().iter().filter(|line| ids(line)).count(),
            2,
            "the printed lines agree"
        );
    }
}

#[test]
fn a_named_event_has_its_name_and_other_events_have_none() {
    let exported = export(Otlp::http_protobuf(), &[Reply::Accept], || {
        tracing::info!(name: "order.placed", "placed");
        tracing::info!(name: "event horizon", "passed");
        tracing::info!("unnamed");
    });
    let names: Vec<_> =
        exported.exports[0].logs.iter().map(|(_, record)| record.event_name.as_str()).collect();
    assert_eq!(names, ["order.placed", "event horizon", ""]);
}

#[test]
fn json_has_ids_in_hex_numbers_as_strings_and_no_null() {
    let exported = export(Otlp::http_json(), &[Reply::Accept], || {
        tracing::info_span!("job").in_scope(|| tracing::info!(n = 7, share = f64::NAN, "done"));
    });
    let text = &exported.exports[0].text;
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    let record = &json["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    let id = record["traceId"].as_str().unwrap();
    assert!(id.len() == 32 && u128::from_str_radix(id, 16).is_ok(), "{text}");
    assert_eq!(record["attributes"][0]["value"]["intValue"], "7");
    assert_eq!(record["attributes"][1]["value"]["doubleValue"], "NaN");
    assert!(record["timeUnixNano"].is_string());
    assert!(!text.contains("null"), "{text}");
}

#[test]
fn hostile_values_arrive_unchanged_by_each_protocol() {
    const HOSTILE: &str = "tea\nERROR forged\u{9b}31m\u{202e}\u{0}\u{7f}\u{1f4a3}";
    for (otlp, _) in protocols() {
        let exported = export(otlp, &[Reply::Accept], || {
            tracing::info!(user = HOSTILE, shown = %HOSTILE, "found {HOSTILE}");
        });
        let (_, record) = exported.only();
        let expected = Value::StringValue(HOSTILE.to_owned());
        assert_eq!(attribute(record, "user"), Some(&expected));
        assert_eq!(attribute(record, "shown"), Some(&expected));
        assert_eq!(body(record), format!("found {HOSTILE}"));
        assert_eq!(exported.lines.len(), 1, "{:?}", exported.lines);
    }
}

#[test]
fn a_record_larger_than_a_request_is_truncated_and_one_of_a_megabyte_is_not() {
    for (otlp, _) in protocols() {
        // In JSON a control character has six bytes.
        for (length, is_truncated) in [(1 << 20, false), (5 << 20, true)] {
            for character in ["x", "\u{1}"] {
                let text = character.repeat(length);
                let exported = export(otlp.clone(), &[Reply::Accept], || {
                    tracing::info!(text, "large");
                });
                exported.result.as_ref().unwrap();
                let (_, record) = exported.only();
                let Some(Value::StringValue(sent)) = attribute(record, "text") else { panic!() };
                assert!(text.starts_with(sent));
                if character == "x" {
                    assert_eq!(sent.len() < length, is_truncated, "{}", sent.len());
                }
                let is_reported =
                    exported.lines.iter().any(|it| it.contains("strings of a log record are"));
                assert_eq!(is_reported, sent.len() < length);
            }
        }
    }
}

#[test]
fn a_request_that_is_too_large_for_the_collector_is_sent_in_halves() {
    let too_large = Reply::Refuse(413, &[], "");
    for otlp in [Otlp::http_protobuf(), Otlp::http_json()] {
        let replies = [too_large.clone(), too_large.clone(), Reply::Accept];
        let exported = export(otlp, &replies, || {
            ["a", "b", "c", "d"].iter().for_each(|name| tracing::info!("{name}"));
        });
        exported.result.as_ref().unwrap();
        let expected: [&[&str]; 6] =
            [&["a", "b", "c", "d"], &["a", "b"], &["a"], &["b"], &["c"], &["d"]];
        assert_eq!(exported.requests(), expected);
    }
}

#[test]
fn rejected_records_have_failed_with_the_message_of_the_collector() {
    for (otlp, _) in protocols() {
        let exported = export(otlp, &[Reply::Partial(2, "too old")], || {
            (0..3).for_each(|_| tracing::info!("placed"));
        });
        let error = exported.result.unwrap_err();
        assert!(error.starts_with("2 of 3 log records were not delivered to "), "{error}");
        assert!(error.ends_with("2 failed (rejected by the collector: too old)"), "{error}");
    }
}

#[test]
fn a_loss_is_one_printed_line_that_is_not_exported() {
    let url = nowhere();
    let lines = CapturedLines::default();
    let (telemetry, dispatch) = logs_of(briefly(&url), &lines).build().unwrap();
    for _ in 0..2 {
        with_default(&dispatch, || tracing::info!("placed"));
        telemetry.force_flush().unwrap();
    }
    let error = telemetry.shutdown().unwrap_err();
    let loss = &error.losses()[0];
    assert_eq!((loss.ended(), loss.delivered(), loss.lost()), (2, 0, 2));
    assert!(error.to_string().contains("2 of 2 log records were not delivered"), "{error}");
    let warnings: Vec<_> = lines.all().into_iter().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("log records cannot be delivered"), "{warnings:?}");
}

/// Telemetry with a queue of two records and a collector that never answers.
fn blocked(collector: &Collector, lines: &CapturedLines) -> (Telemetry, Dispatch) {
    logs_of(Otlp::http_protobuf().endpoint(&collector.url), lines)
        .variables(|name| (name == "OTEL_BLRP_MAX_QUEUE_SIZE").then(|| "2".to_owned()))
        .shutdown_timeout(Duration::from_millis(50))
        .build()
        .unwrap()
}

#[test]
fn records_beyond_the_queue_are_counted_and_the_service_does_not_wait() {
    let collector = Collector::replying([Reply::Never]);
    let lines = CapturedLines::default();
    let (telemetry, dispatch) = blocked(&collector, &lines);
    with_default(&dispatch, || (0..7).for_each(|_| tracing::info!("placed")));
    let error = telemetry.shutdown().unwrap_err();
    let loss = &error.losses()[0];
    assert_eq!((loss.ended(), loss.delivered(), loss.lost()), (7, 0, 7));
    assert!(
        error.to_string().contains("5 dropped because the queue was full or closed"),
        "{error}"
    );
    // Another thread writes the line, because the threads that lose records are inside of an event.
    let started = Instant::now();
    let warnings = || lines.all().iter().filter(|line| line.contains("WARN")).count();
    while warnings() == 0 && started.elapsed() < Duration::from_secs(20) {
        std::thread::yield_now();
    }
    assert_eq!((warnings(), lines.all().len()), (1, 8), "{:?}", lines.all());
}

#[test]
fn events_after_the_shutdown_are_printed_only() {
    let collector = Collector::replying([Reply::Accept]);
    let lines = CapturedLines::default();
    let otlp = Otlp::http_protobuf().endpoint(&collector.url);
    let (telemetry, dispatch) = logs_of(otlp, &lines).build().unwrap();
    with_default(&dispatch, || tracing::info!("before"));
    telemetry.shutdown().unwrap();
    with_default(&dispatch, || tracing::info!("after"));
    assert_eq!(collector.next().logs.len(), 1);
    assert_eq!(collector.count(), 0);
    assert_eq!(lines.all().len(), 2, "{:?}", lines.all());
}

#[test]
fn a_hook_changes_and_removes_records_and_its_panic_loses_one() {
    let collector = Collector::replying([Reply::Accept]);
    let otlp = Otlp::http_protobuf().endpoint(&collector.url);
    let builder = logs_of(otlp, &CapturedLines::default()).before_log_export(|record| {
        assert_ne!(record.body(), Some("bug"), "found");
        record.retain_attributes(|key| key == "item");
        record.set_attribute("shop", crate::telemetry::LogValue::Text("london"));
        record.set_body(&record.body().unwrap().to_uppercase());
        record.target() != "health"
    });
    let (telemetry, dispatch) = builder.build().unwrap();
    with_default(&dispatch, || {
        tracing::info!(user = "me", item = "tea", "sold");
        tracing::info!(target: "health", "ok");
        tracing::info!("bug");
    });
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(error.contains("1 of 3 log records") && error.contains("before_log_export() panicked"));
    let logs = collector.next().logs;
    assert_eq!(logs.len(), 1);
    let keys: Vec<_> = logs[0].1.attributes.iter().map(|it| it.key.as_str()).collect();
    assert_eq!((body(&logs[0].1), &keys[..]), ("SOLD", &["item", "shop"][..]));
}

#[test]
fn records_have_a_filter_of_their_own() {
    let messages = |builder: fn(TelemetryBuilder) -> TelemetryBuilder| {
        let collector = Collector::replying([Reply::Accept]);
        let lines = CapturedLines::default();
        let otlp = Otlp::http_protobuf().endpoint(&collector.url);
        let (telemetry, dispatch) = builder(logs_of(otlp, &lines)).build().unwrap();
        with_default(&dispatch, || {
            tracing::debug!("fine");
            tracing::info!("coarse");
            tracing::error!("failed");
        });
        telemetry.shutdown().unwrap();
        let exported = collector.exports.try_iter().flat_map(|export| export.logs);
        (exported.map(|(_, it)| body(&it).to_owned()).collect::<Vec<_>>(), lines.all().len())
    };
    let owned = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(messages(|it| it), (owned(&["coarse", "failed"]), 2));
    assert_eq!(messages(|it| it.log_filter("debug")), (owned(&["fine", "coarse", "failed"]), 3));
    assert_eq!(messages(|it| it.log_export_filter("error")), (owned(&["failed"]), 2));
    assert_eq!(
        messages(|it| it.log_filter("off").log_export_filter("debug")),
        (owned(&["fine", "coarse", "failed"]), 0)
    );
    let error = builder().otlp_logs().log_export_filter("shop=loud").build().unwrap_err();
    assert!(error.to_string().starts_with("log_export_filter()=\"shop=loud\": "), "{error}");
}

#[test]
fn limits_of_the_environment_apply_to_records() {
    let collector = Collector::replying([Reply::Accept]);
    let otlp = Otlp::http_protobuf().endpoint(&collector.url);
    let builder = logs_of(otlp, &CapturedLines::default()).variables(|name| match name {
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT" => Some("2".to_owned()),
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT" => Some("3".to_owned()),
        _ => None,
    });
    let (telemetry, dispatch) = builder.build().unwrap();
    with_default(&dispatch, || tracing::info!(a = "coffee", b = ?"tea", c = 1, "a long message"));
    telemetry.shutdown().unwrap();
    let (_, record) = &collector.next().logs[0];
    assert_eq!(attribute(record, "a"), Some(&Value::StringValue("cof".to_owned())));
    assert_eq!(attribute(record, "b"), Some(&Value::StringValue("\"te".to_owned())));
    assert_eq!((record.attributes.len(), record.dropped_attributes_count), (2, 3));
    assert_eq!(body(record), "a long message");
}

#[test]
fn nothing_is_exported_unless_it_is_selected() {
    let collector = Collector::replying([Reply::Accept]);
    let url = collector.url.clone();
    let (telemetry, dispatch) = builder()
        .otlp_endpoint(&url)
        .variables(move |name| (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| url.clone()))
        .log_writer(CapturedLines::default())
        .build()
        .unwrap();
    with_default(&dispatch, || tracing::info!("placed"));
    telemetry.shutdown().unwrap();
    assert_eq!(collector.count(), 0);
}

/// A type whose formatting logs.
struct Logs(Mutex<u32>);

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        *self.0.lock().unwrap() += 1;
        tracing::info!("inside");
        f.write_str("outside")
    }
}

#[test]
fn a_value_that_logs_while_it_is_formatted_is_exported() {
    let exported = export(Otlp::http_protobuf(), &[Reply::Accept], || {
        tracing::info!(item = %Logs(Mutex::new(0)), "placed");
    });
    let item = Value::StringValue("outside".to_owned());
    let records = &exported.exports[0].logs;
    let placed = records.iter().find(|(_, record)| body(record) == "placed").unwrap();
    assert_eq!(attribute(&placed.1, "item"), Some(&item));
}
