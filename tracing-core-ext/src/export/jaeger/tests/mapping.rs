//! OpenTelemetry specification, "Transformation to Jaeger".

use std::{
    borrow::Cow,
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, SpanId, StringValue, TraceFlags, TraceId, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanLinks},
};

use super::{
    Encoder,
    wire::{self, Log, Reference, Tag},
};

const TRACE: u128 = 0x8af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const SPAN: u64 = 0xb7ad_6b71_6920_3331;
const PARENT: u64 = 0x00f0_67aa_0ba9_02b7;
const OTHER: u64 = 0xfedc_ba98_7654_3210;

pub(crate) fn bare() -> SpanData {
    SpanData {
        span_context: context(SPAN),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: Cow::Borrowed("order"),
        start_time: at(1_700_000_000_000_001),
        end_time: at(1_700_000_000_250_001),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn context(span_id: u64) -> SpanContext {
    let (trace_id, span_id) = (TraceId::from(TRACE), SpanId::from(span_id));
    let sampled_and_random = TraceFlags::new(3);
    SpanContext::new(trace_id, span_id, sampled_and_random, false, TraceState::NONE)
}

fn at(microseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds)
}

fn batch(span: SpanData, resource: &Resource) -> wire::Batch {
    wire::read_body(&Encoder::new(resource).unwrap().encode(&[span]).unwrap())
}

fn sent(span: SpanData) -> wire::Span {
    batch(span, &Resource::builder_empty().build()).spans.pop().unwrap()
}

fn tagged(attributes: Vec<KeyValue>) -> BTreeMap<String, Tag> {
    sent(SpanData { attributes, ..bare() }).tags
}

fn tags<const N: usize>(tags: [(&str, Tag); N]) -> BTreeMap<String, Tag> {
    tags.map(|(key, tag)| (key.to_owned(), tag)).into()
}

#[test]
fn ids_names_flags_and_times_arrive() {
    let span = sent(SpanData { parent_span_id: SpanId::from(PARENT), ..bare() });
    assert_eq!((span.trace_id, span.span_id, span.parent_span_id), (TRACE, SPAN, PARENT));
    assert_eq!((&*span.name, span.flags), ("order", 1));
    assert_eq!((span.start_microseconds, span.microseconds), (1_700_000_000_000_001, 250_000));
}

#[test]
fn the_random_flag_does_not_arrive_as_the_debug_flag() {
    let traced = context(SPAN);
    let (trace_id, span_id) = (traced.trace_id(), traced.span_id());
    let flags = TraceFlags::new(0xff);
    let span_context = SpanContext::new(trace_id, span_id, flags, false, TraceState::NONE);
    assert_eq!(sent(SpanData { span_context, ..bare() }).flags, 1);
}

#[test]
fn a_bare_root_has_no_parent_no_references_no_logs_and_only_an_empty_scope() {
    let span = sent(bare());
    assert_eq!((span.parent_span_id, span.references.len(), span.logs.len()), (0, 0, 0));
    assert_eq!(span.tags, tags([("otel.library.name", "".into())]));
}

#[test]
fn a_clock_that_was_set_back_gives_no_negative_duration() {
    let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    let span = sent(SpanData { end_time: before, ..bare() });
    assert_eq!(span.microseconds, 0);
    let span = sent(SpanData { start_time: before, ..bare() });
    assert_eq!(span.start_microseconds, 0);
}

#[test]
fn every_kind_but_internal_is_a_tag() {
    for (kind, expected) in [
        (SpanKind::Server, Some("server")),
        (SpanKind::Client, Some("client")),
        (SpanKind::Producer, Some("producer")),
        (SpanKind::Consumer, Some("consumer")),
        (SpanKind::Internal, None),
    ] {
        let span = sent(SpanData { span_kind: kind, ..bare() });
        assert_eq!(span.tags.get("span.kind"), expected.map(Tag::from).as_ref());
    }
}

#[test]
fn an_error_is_three_tags() {
    let failed = sent(SpanData { status: Status::error("no stock"), ..bare() });
    assert_eq!(failed.tags["error"], Tag::Bool(true));
    assert_eq!(failed.tags["otel.status_code"], "ERROR".into());
    assert_eq!(failed.tags["otel.status_description"], "no stock".into());
    let undescribed = sent(SpanData { status: Status::error(""), ..bare() });
    assert!(!undescribed.tags.contains_key("otel.status_description"));
}

#[test]
fn ok_is_a_tag_and_unset_is_not() {
    let ok = sent(SpanData { status: Status::Ok, ..bare() });
    assert_eq!(ok.tags["otel.status_code"], "OK".into());
    assert!(!ok.tags.contains_key("error"));
    assert!(!sent(bare()).tags.contains_key("otel.status_code"));
}

#[test]
fn attributes_keep_their_types_and_arrays_become_json() {
    let texts: Vec<StringValue> = vec!["a\"b".into(), "ü".into()];
    let sent = tagged(vec![
        KeyValue::new("text", "grüße"),
        KeyValue::new("long", i64::MIN),
        KeyValue::new("double", 0.1),
        KeyValue::new("yes", true),
        KeyValue::new("no", false),
        KeyValue::new("texts", Value::Array(Array::String(texts))),
        KeyValue::new("longs", Value::Array(Array::I64(vec![1, -2]))),
        KeyValue::new("doubles", Value::Array(Array::F64(vec![1.5]))),
        KeyValue::new("bools", Value::Array(Array::Bool(vec![true, false]))),
    ]);
    let expected = tags([
        ("text", "grüße".into()),
        ("long", Tag::Long(i64::MIN)),
        ("double", Tag::Double(0.1)),
        ("yes", Tag::Bool(true)),
        ("no", Tag::Bool(false)),
        ("texts", r#"["a\"b","ü"]"#.into()),
        ("longs", "[1,-2]".into()),
        ("doubles", "[1.5]".into()),
        ("bools", "[true,false]".into()),
        ("otel.library.name", "".into()),
    ]);
    assert_eq!(sent, expected);
}

#[test]
fn the_scope_has_its_present_tags_and_the_deprecated_ones() {
    let scope = InstrumentationScope::builder("shop").with_version("1.2").build();
    let span = sent(SpanData { instrumentation_scope: scope, ..bare() });
    let expected = tags([
        ("otel.library.name", "shop".into()),
        ("otel.library.version", "1.2".into()),
        ("otel.scope.name", "shop".into()),
        ("otel.scope.version", "1.2".into()),
    ]);
    assert_eq!(span.tags, expected);
}

#[test]
fn events_are_logs_with_their_name_in_a_field() {
    let mut events = SpanEvents::default();
    let attributes = vec![KeyValue::new("attempt", 2)];
    events.events.push(Event::new("retry", at(1_700_000_000_100_000), attributes, 3));
    let span = sent(SpanData { events, ..bare() });
    let fields = tags([
        ("event", "retry".into()),
        ("attempt", Tag::Long(2)),
        ("otel.event.dropped_attributes_count", Tag::Long(3)),
    ]);
    assert_eq!(span.logs, [Log { microseconds: 1_700_000_000_100_000, fields }]);
}

#[test]
fn links_are_follows_from_references_without_the_parent() {
    let mut links = SpanLinks::default();
    links.links.push(Link::with_context(context(OTHER)));
    let span = sent(SpanData { links, parent_span_id: SpanId::from(PARENT), ..bare() });
    assert_eq!(span.references, [Reference::FollowsFrom(TRACE, OTHER)]);
    assert_eq!(span.logs, []);
}

#[test]
fn attributes_of_a_link_are_a_log_at_the_start() {
    let mut links = SpanLinks::default();
    links.links.push(Link::new(context(OTHER), vec![KeyValue::new("queue", "orders")], 0));
    let span = sent(SpanData { links, ..bare() });
    let fields = tags([
        ("event", "link".into()),
        ("trace_id", format!("{TRACE:032x}").as_str().into()),
        ("span_id", format!("{OTHER:016x}").as_str().into()),
        ("queue", "orders".into()),
    ]);
    assert_eq!(span.logs, [Log { microseconds: 1_700_000_000_000_001, fields }]);
}

#[test]
fn dropped_counts_of_the_sdk_are_tags() {
    let (mut events, mut links) = (SpanEvents::default(), SpanLinks::default());
    (events.dropped_count, links.dropped_count) = (2, 3);
    let span = sent(SpanData { dropped_attributes_count: 1, events, links, ..bare() });
    let expected = tags([
        ("otel.dropped_attributes_count", Tag::Long(1)),
        ("otel.dropped_events_count", Tag::Long(2)),
        ("otel.dropped_links_count", Tag::Long(3)),
        ("otel.library.name", "".into()),
    ]);
    assert_eq!(span.tags, expected);
}

#[test]
fn the_resource_is_the_process_and_its_service_name_is_that_of_the_process() {
    let attributes = [KeyValue::new("service.name", "checkout"), KeyValue::new("host.cpus", 4)];
    let resource = Resource::builder_empty().with_attributes(attributes).build();
    let batch = batch(bare(), &resource);
    assert_eq!(batch.service_name, "checkout");
    let expected = tags([("service.name", "checkout".into()), ("host.cpus", Tag::Long(4))]);
    assert_eq!(batch.process_tags, expected);
}
