use std::time::UNIX_EPOCH;

use opentelemetry::{
    Array, KeyValue, TraceId, Value,
    trace::{TraceFlags, TraceState},
};
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
use serde_json::json;

use super::*;
use crate::base::text::unprintable::is_unprintable;

fn context(span_id: u64) -> SpanContext {
    let state = TraceState::from_key_value([("vendor", "a1")]).unwrap();
    let trace_id = TraceId::from(0x0af7651916cd43dd8448eb211c80319c_u128);
    SpanContext::new(trace_id, SpanId::from(span_id), TraceFlags::SAMPLED, true, state)
}

fn span() -> SpanData {
    let start = UNIX_EPOCH + Duration::new(1_798_761_599, 1);
    SpanData {
        span_context: context(7),
        parent_span_id: SpanId::from(9),
        parent_span_is_remote: true,
        span_kind: SpanKind::Server,
        name: "GET /items/{id}".into(),
        start_time: start,
        end_time: start + Duration::from_millis(1_500),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("shop").build(),
    }
}

fn resource() -> Resource {
    Resource::builder_empty().with_attribute(KeyValue::new("service.name", "checkout")).build()
}

/// Parses the line of a span, and checks that it is one line.
fn parsed(span: &SpanData) -> serde_json::Value {
    let line = line(span, &resource()).unwrap();
    assert_eq!(line.matches('\n').count(), 1, "{line:?}");
    serde_json::from_str(&line).unwrap()
}

#[test]
fn a_line_has_every_member_of_the_data_model() {
    assert_eq!(
        parsed(&span()),
        json!({
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "span_id": "0000000000000007",
            "trace_flags": "01",
            "trace_state": "vendor=a1",
            "parent_span_id": "0000000000000009",
            "parent_is_remote": true,
            "name": "GET /items/{id}",
            "kind": "SERVER",
            "start_time": "2026-12-31T23:59:59.000000001Z",
            "end_time": "2027-01-01T00:00:00.500000001Z",
            "duration": 1.5,
            "status": { "code": "UNSET" },
            "attributes": {},
            "events": [],
            "links": [],
            "resource": { "attributes": { "service.name": "checkout" } },
            "scope": { "name": "shop" },
        })
    );
}

#[test]
fn the_ids_are_the_first_members() {
    let line = line(&span(), &resource()).unwrap();
    assert!(line.starts_with(r#"{"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"#));
}

#[test]
fn a_root_has_no_parent_and_an_error_has_its_description() {
    let span = SpanData {
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        status: Status::error("no stock"),
        ..span()
    };
    let line = parsed(&span);
    assert_eq!(line["parent_span_id"], json!(null));
    assert_eq!(line["status"], json!({ "code": "ERROR", "description": "no stock" }));
    assert_eq!(parsed(&SpanData { status: Status::Ok, ..span })["status"], json!({ "code": "OK" }));
}

#[test]
fn attributes_keep_their_types() {
    for (value, expected) in [
        (Value::Bool(true), json!(true)),
        (Value::I64(i64::MIN), json!(i64::MIN)),
        (Value::I64(i64::MAX), json!(i64::MAX)),
        (Value::F64(0.25), json!(0.25)),
        (Value::F64(f64::NAN), json!("NaN")),
        (Value::F64(f64::INFINITY), json!("Infinity")),
        (Value::F64(f64::NEG_INFINITY), json!("-Infinity")),
        (Value::from("tea"), json!("tea")),
        (Value::Array(Array::Bool(vec![true, false])), json!([true, false])),
        (Value::Array(Array::I64(vec![1, -2])), json!([1, -2])),
        (Value::Array(Array::F64(vec![0.5, f64::NAN])), json!([0.5, "NaN"])),
        (Value::Array(Array::String(vec!["a".into(), "b".into()])), json!(["a", "b"])),
    ] {
        let span = SpanData { attributes: vec![KeyValue::new("key", value)], ..span() };
        assert_eq!(parsed(&span)["attributes"], json!({ "key": expected }));
    }
}

#[test]
fn a_key_that_was_set_twice_has_only_its_last_value() {
    let attributes = vec![KeyValue::new("a", 1), KeyValue::new("b", 2), KeyValue::new("a", 3)];
    let line = line(&SpanData { attributes, ..span() }, &resource()).unwrap();
    assert!(line.contains(r#""attributes":{"b":2,"a":3}"#), "{line}");
}

#[test]
fn events_and_links_are_printed_with_the_dropped_counts() {
    let start = span().start_time;
    let mut events = SpanEvents::default();
    let attributes = vec![KeyValue::new("exception.type", "NoStock")];
    events.events.push(Event::new("exception", start, attributes, 2));
    events.dropped_count = 3;
    let mut links = SpanLinks::default();
    links.links.push(Link::new(context(5), vec![KeyValue::new("why", "batch")], 4));
    links.dropped_count = 5;
    let line = parsed(&SpanData { events, links, dropped_attributes_count: 1, ..span() });
    assert_eq!(
        line["events"],
        json!([{
            "name": "exception",
            "time": "2026-12-31T23:59:59.000000001Z",
            "attributes": { "exception.type": "NoStock" },
            "dropped_attributes_count": 2,
        }])
    );
    assert_eq!(
        line["links"],
        json!([{
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "span_id": "0000000000000005",
            "trace_flags": "01",
            "trace_state": "vendor=a1",
            "attributes": { "why": "batch" },
            "dropped_attributes_count": 4,
        }])
    );
    assert_eq!(line["dropped_attributes_count"], 1);
    assert_eq!(line["dropped_events_count"], 3);
    assert_eq!(line["dropped_links_count"], 5);
}

#[test]
fn text_from_the_network_is_escaped_for_terminals() {
    let hostile =
        "\"},\n\r\u{0}\u{1b}[31m\u{7f}\u{9b}2J\u{202e}\u{2028}\u{feff} \\ grüße 茶 \u{1f375}";
    let span = SpanData {
        name: hostile.into(),
        attributes: vec![KeyValue::new(hostile, hostile)],
        ..span()
    };
    let line = line(&span, &resource()).unwrap();
    assert!(!line.trim_end_matches('\n').contains(is_unprintable), "{line:?}");
    assert!(line.contains("\\u009b2J\\u202e\\u2028\\ufeff") && line.contains("grüße 茶 🍵"));
    let parsed = parsed(&span);
    assert_eq!(parsed["name"], hostile);
    assert_eq!(parsed["attributes"][hostile], hostile);
}

#[test]
fn a_span_that_ended_before_it_started_took_no_time() {
    let span = SpanData { end_time: UNIX_EPOCH, ..span() };
    assert_eq!(parsed(&span)["duration"], 0.0);
}
