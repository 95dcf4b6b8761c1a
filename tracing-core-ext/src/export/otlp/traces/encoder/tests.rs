use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::{
    Array, KeyValue, SpanId, TraceFlags, Value,
    trace::{
        Event, Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt,
        TraceState, Tracer, TracerProvider as _,
    },
};
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::Resource;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::{
    export::otlp::protocol::batch_encoder::{BatchEncoder, EncodedRequest},
    trace::TracerProvider,
};

const UNLIMITED: usize = 4 << 20;

/// One resource, because the order of its attributes differs from instance to instance.
fn resource() -> Resource {
    static RESOURCE: std::sync::LazyLock<Resource> = std::sync::LazyLock::new(new_resource);
    RESOURCE.clone()
}

fn new_resource() -> Resource {
    let attributes = [KeyValue::new("service.name", "shop"), KeyValue::new("process.pid", 7)];
    Resource::builder_empty()
        .with_schema_url(attributes, "https://opentelemetry.io/schemas/1.44.0")
        .build()
}

/// The request that `opentelemetry-proto` makes of the same spans.
fn expected(spans: &[SpanData]) -> ExportTraceServiceRequest {
    let resource = ResourceAttributesWithSchema::from(&resource());
    let resource_spans = group_spans_by_resource_and_scope(spans.to_vec(), &resource);
    ExportTraceServiceRequest { resource_spans }
}

fn decoded(request: &EncodedRequest) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(&*request.bytes).unwrap()
}

fn assert_encoded(spans: &[SpanData]) {
    let batch = BatchEncoder::new(&resource(), UNLIMITED).encode(spans, UNLIMITED);
    assert_eq!(batch.oversized, 0);
    let [request] = &batch.requests[..] else { panic!("one request") };
    assert_eq!((request.items.len(), request.truncated), (spans.len(), 0));
    assert_eq!(decoded(request), expected(spans));
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        ".{0,200}".prop_map(Value::from),
        prop::collection::vec(any::<bool>(), 0..3).prop_map(|it| Value::Array(Array::Bool(it))),
        prop::collection::vec(any::<i64>(), 0..3).prop_map(|it| Value::Array(Array::I64(it))),
        prop::collection::vec(-1.0..1.0, 0..3).prop_map(|it| Value::Array(Array::F64(it))),
        prop::collection::vec(".{0,9}".prop_map(Into::into), 0..3)
            .prop_map(|it| Value::Array(Array::String(it))),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let attribute = (".{0,20}", value()).prop_map(|(key, value)| KeyValue::new(key, value));
    prop::collection::vec(attribute, 0..6)
}

fn identity() -> impl Strategy<Value = SpanContext> {
    let state = prop_oneof![Just(vec![]), Just(vec![("a", "1"), ("b", "2")])];
    (any::<u128>(), any::<u64>(), 0..4u8, any::<bool>(), state).prop_map(
        |(trace, span, flags, is_remote, state)| {
            let state = TraceState::from_key_value(state).unwrap();
            let flags = TraceFlags::new(flags);
            SpanContext::new(trace.into(), span.into(), flags, is_remote, state)
        },
    )
}

fn status() -> impl Strategy<Value = Status> {
    let error = ".{0,20}".prop_map(Status::error);
    prop_oneof![Just(Status::Unset), Just(Status::Ok), error]
}

fn scope() -> impl Strategy<Value = InstrumentationScope> {
    (0..3u8, any::<bool>()).prop_map(|(number, has_more)| {
        let builder = InstrumentationScope::builder(format!("scope {number}"));
        match has_more {
            true => builder
                .with_version("1")
                .with_schema_url("https://opentelemetry.io/schemas/1.44.0")
                .with_attributes([KeyValue::new("a", 1)])
                .build(),
            false => builder.build(),
        }
    })
}

prop_compose! {
    fn span()(
        span_context in identity(),
        parent in any::<Option<u64>>(),
        parent_span_is_remote in any::<bool>(),
        kind in 0..5usize,
        name in ".{0,40}",
        start in 0..u64::MAX / 2,
        attributes in attributes(),
        more in attributes(),
        link in identity(),
        status in status(),
        instrumentation_scope in scope(),
        counts in any::<[u32; 4]>(),
    ) -> SpanData {
        let kinds = [
            SpanKind::Internal, SpanKind::Server, SpanKind::Client, SpanKind::Producer,
            SpanKind::Consumer,
        ];
        let start_time = UNIX_EPOCH + Duration::from_nanos(start);
        let mut events = opentelemetry_sdk::trace::SpanEvents::default();
        events.events.push(Event::new("happened", start_time, more.clone(), counts[0]));
        events.dropped_count = counts[1];
        let mut links = opentelemetry_sdk::trace::SpanLinks::default();
        links.links.push(Link::new(link, more, counts[2]));
        links.dropped_count = counts[3];
        SpanData {
            span_context,
            parent_span_id: parent.map_or(SpanId::INVALID, Into::into),
            parent_span_is_remote,
            span_kind: kinds[kind].clone(),
            name: name.into(),
            start_time,
            end_time: start_time + Duration::from_millis(7),
            attributes,
            dropped_attributes_count: counts[0],
            events,
            links,
            status,
            instrumentation_scope,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_span_is_encoded_as_opentelemetry_proto_encodes_it(
        spans in prop::collection::vec(span(), 1..6),
    ) {
        assert_encoded(&spans);
    }

    #[test]
    fn requests_are_within_the_limit_and_have_every_span_once(
        spans in prop::collection::vec(span(), 1..12),
        limit in 1_500..6_000usize,
    ) {
        let encoder = BatchEncoder::new(&resource(), limit);
        let batch = encoder.encode(&spans, UNLIMITED);
        let mut total = batch.oversized;
        for request in &batch.requests {
            prop_assert!(request.bytes.len() <= limit);
            let sent: usize = decoded(request).resource_spans.iter()
                .flat_map(|it| &it.scope_spans).map(|it| it.spans.len()).sum();
            prop_assert_eq!(sent, request.items.len());
            total += request.items.len() as u64;
        }
        prop_assert_eq!(total, spans.len() as u64);
    }
}

fn data(name: &str, attribute: &str) -> SpanData {
    let provider = TracerProvider::builder();
    let exporter = opentelemetry_sdk::trace::InMemorySpanExporter::default();
    let provider = provider.with_simple_exporter(exporter.clone()).build();
    let attributes = vec![KeyValue::new("text", attribute.to_owned())];
    let builder = SpanBuilder::from_name(name.to_owned()).with_attributes(attributes);
    provider.tracer("test").build(builder).end();
    exporter.get_finished_spans().unwrap().remove(0)
}

/// The lengths of short attributes are written in advance.
#[test]
fn attributes_of_each_length_and_size_are_decoded_alike() {
    let numbers = [0, 1, 127, 128, 16_383, 16_384, (1 << 21) - 1, 1 << 21, -1, i64::MIN, i64::MAX];
    let mut span = data("span", "a");
    let keys = (0..130).step_by(5).map(|length| "k".repeat(length));
    span.attributes = keys
        .flat_map(|key| numbers.map(|number| KeyValue::new(key.clone(), number)))
        .chain((0..130).map(|length| KeyValue::new("text", "t".repeat(length))))
        .collect();
    assert_encoded(&[span]);
}

#[test]
fn a_record_is_encoded_as_its_span_data() {
    let identity =
        SpanContext::new(1.into(), 2.into(), TraceFlags::SAMPLED, true, TraceState::NONE);
    let records = crate::trace::testing::records(|tracer| {
        let parent = opentelemetry::Context::new().with_remote_span_context(identity.clone());
        let mut span = tracer.start_with_context("server", &parent);
        span.set_attribute(KeyValue::new("a", 1.5));
        span.add_event("happened", vec![KeyValue::new("b", true)]);
        span.add_link(identity.clone(), Vec::new());
        span.set_status(Status::error("broken"));
        span.end();
        tracer.start("plain").end();
    });
    let batch = BatchEncoder::new(&resource(), UNLIMITED).encode(&records, UNLIMITED);
    let spans: Vec<_> = records.into_iter().map(|mut it| it.take_span_data()).collect();
    assert_eq!(decoded(&batch.requests[0]), expected(&spans));
}

#[test]
fn a_span_that_is_too_large_loses_only_the_ends_of_its_strings() {
    let spans = [data("small", "a"), data("large", &"é".repeat(100_000)), data("last", "b")];
    let batch = BatchEncoder::new(&resource(), 20_000).encode(&spans, UNLIMITED);
    assert_eq!(batch.oversized, 0);
    let all: Vec<_> = batch.requests.iter().map(decoded).collect();
    let names: Vec<_> = all
        .iter()
        .flat_map(|it| &it.resource_spans[0].scope_spans)
        .flat_map(|it| it.spans.iter().map(|span| span.name.as_str()))
        .collect();
    assert_eq!(names, ["small", "large", "last"]);
    assert_eq!(batch.requests.iter().map(|it| it.truncated).sum::<u64>(), 1);
}

#[test]
fn a_span_that_never_fits_is_counted_and_the_others_are_sent() {
    let mut huge = data("huge", "a");
    huge.attributes = (0..5_000).map(|n| KeyValue::new(format!("key.{n}"), n)).collect();
    let batch = BatchEncoder::new(&resource(), 20_000).encode(&[data("a", "a"), huge], UNLIMITED);
    assert_eq!(batch.oversized, 1);
    assert_eq!(batch.requests.iter().map(|it| it.items.len()).sum::<usize>(), 1);
}

#[test]
fn a_request_names_its_spans_in_the_order_of_their_scopes() {
    let mut spans: Vec<_> = (0..20).map(|at| data(&at.to_string(), &"x".repeat(1_000))).collect();
    let other = InstrumentationScope::builder("other").build();
    spans[3].instrumentation_scope = other.clone();
    spans[5].instrumentation_scope = other;
    let batch = BatchEncoder::new(&resource(), 8_000).encode(&spans, UNLIMITED);
    assert!(batch.requests.len() > 2);
    let mut all: Vec<usize> = Vec::new();
    for request in &batch.requests {
        let decoded = decoded(request);
        let scopes = decoded.resource_spans.iter().flat_map(|it| &it.scope_spans);
        let names: Vec<String> =
            scopes.flat_map(|it| &it.spans).map(|span| span.name.clone()).collect();
        assert_eq!(names, request.items.iter().map(ToString::to_string).collect::<Vec<_>>());
        all.extend(&request.items);
    }
    assert_eq!(all.len(), 20);
    assert_eq!(all[18..], [3, 5]);
}
