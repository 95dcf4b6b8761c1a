use std::collections::HashMap;

use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    KeyValue,
    trace::{SpanId, TraceFlags, TraceId, TraceState, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use proptest::prelude::*;

use super::*;
use crate::propagation::headers::tests::headers;

const PARENT: &str = "00-12345678901234567890123456789012-1234567890123456-01";
const OTHER_PARENT: &str = "00-12345678901234567890123456789011-1234567890123456-01";

fn extract(fields: &[(&'static str, &str)]) -> Context {
    W3cPropagator::new().extract(&headers(fields))
}

fn inject(cx: &Context) -> HeaderMap {
    let mut headers = HeaderMap::new();
    W3cPropagator::new().inject(cx, &mut headers);
    headers
}

/// Returns the headers that a service without a span of its own injects.
fn forward(fields: &[(&'static str, &str)]) -> HeaderMap {
    inject(&extract(fields))
}

/// Returns `cx` with a child of its span, as a tracer creates it.
fn with_child(cx: &Context) -> Context {
    let parent = cx.span().span_context().clone();
    cx.with_remote_span_context(SpanContext::new(
        parent.trace_id(),
        SpanId::from(7),
        parent.trace_flags(),
        false,
        parent.trace_state().clone(),
    ))
}

#[track_caller]
fn assert_restarts(fields: &[(&'static str, &str)]) {
    assert!(!extract(fields).has_active_span(), "{fields:?}");
}

#[track_caller]
fn assert_continues(fields: &[(&'static str, &str)]) {
    let cx = extract(fields);
    let span = cx.span();
    assert_eq!(span.span_context().trace_id().to_string(), PARENT[3..35], "{fields:?}");
    assert!(span.span_context().is_remote());
}

#[test]
fn a_traceparent_continues_the_trace() {
    assert_continues(&[("traceparent", PARENT)]);
}

#[test]
fn no_traceparent_restarts_the_trace() {
    assert_restarts(&[]);
    assert_restarts(&[("trace-parent", PARENT)]);
    assert_restarts(&[("trace.parent", PARENT)]);
}

#[test]
fn an_invalid_traceparent_restarts_the_trace() {
    assert_restarts(&[("traceparent", "")]);
    assert_restarts(&[("traceparent", &PARENT.to_uppercase().replace('0', "A"))]);
    assert_restarts(&[("traceparent", &format!("{PARENT},{PARENT}"))]);
}

#[test]
fn two_traceparents_restart_the_trace() {
    assert_restarts(&[("traceparent", OTHER_PARENT), ("traceparent", PARENT)]);
    assert_restarts(&[("traceparent", PARENT), ("traceparent", PARENT)]);
    assert_restarts(&[("traceparent", PARENT), ("traceparent", "")]);
}

#[test]
fn whitespace_around_a_traceparent_is_dropped() {
    for (before, after) in [(" ", ""), ("\t", ""), ("", " "), ("", "\t"), ("\t ", " \t")] {
        assert_continues(&[("traceparent", &format!("{before}{PARENT}{after}"))]);
    }
}

#[test]
fn the_current_context_is_not_consulted() {
    let _guard = extract(&[("traceparent", PARENT), ("baggage", "a=1")]).attach();

    let cx = extract(&[]);
    assert!(!cx.has_active_span());
    assert!(cx.baggage().is_empty());
}

#[test]
fn a_tracestate_without_a_valid_traceparent_is_ignored() {
    for parent in [None, Some("00-xyz")] {
        let mut fields = vec![("tracestate", "foo=1,foo@bar@baz=2")];
        fields.extend(parent.map(|parent| ("traceparent", parent)));
        assert!(forward(&fields).is_empty());
    }
}

#[test]
fn an_invalid_tracestate_does_not_harm_the_traceparent() {
    let fields = [("traceparent", PARENT), ("tracestate", "foo=1,=2")];

    assert_continues(&fields);
    assert_eq!(forward(&fields), headers(&[("traceparent", PARENT)]));
}

#[test]
fn a_tracestate_goes_along_with_the_traceparent() {
    let fields = [("traceparent", PARENT), ("tracestate", "foo=1,bar=2"), ("tracestate", "baz=3")];

    assert_eq!(forward(&fields)["tracestate"], "foo=1,bar=2,baz=3");
}

#[test]
fn fields_with_like_names_are_not_taken_for_a_tracestate() {
    for name in ["trace-state", "trace.state"] {
        assert!(!forward(&[("traceparent", PARENT), (name, "foo=1")]).contains_key("tracestate"));
    }
}

#[test]
fn an_empty_tracestate_is_not_sent() {
    let sent = forward(&[("traceparent", PARENT), ("tracestate", "")]);

    assert_eq!(sent, headers(&[("traceparent", PARENT)]));
}

#[test]
fn level_2_keys_flow_through_child_spans() {
    let list = "foo@bar@baz=1,bar=2";
    let cx = with_child(&extract(&[("traceparent", PARENT), ("tracestate", list)]));

    assert_eq!(inject(&cx)["tracestate"], list);
    assert_eq!(cx.span().span_context().trace_state().get("bar"), Some("2"));
}

#[test]
fn nothing_of_one_trace_flows_into_another() {
    let parent = format!("{}02", &PARENT[..53]);
    let cx = extract(&[("traceparent", &parent), ("tracestate", "foo@bar@baz=1")]);
    let root = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::NOT_SAMPLED,
        false,
        TraceState::NONE,
    );
    let sent = inject(&cx.with_remote_span_context(root));

    assert!(!sent.contains_key("tracestate"));
    assert!(sent["traceparent"].as_bytes().ends_with(b"-00"));
}

#[test]
fn a_child_span_sends_no_unknown_flag() {
    let parent = format!("{}fc", &PARENT[..53]);
    let sent = inject(&with_child(&extract(&[("traceparent", &parent)])));

    assert_eq!(sent["traceparent"], "00-12345678901234567890123456789012-0000000000000007-00");
}

#[test]
fn the_random_flag_outlives_a_sampler() {
    let drop = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff);
    let keep = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOn);
    for (provider, sampled) in [(drop.build(), 0), (keep.build(), 1)] {
        for (received, random) in [("00", 0), ("01", 0), ("02", 2), ("03", 2)] {
            let parent = format!("{}{received}", &PARENT[..53]);
            let cx = extract(&[("traceparent", &parent)]);
            let span = provider.tracer("test").start_with_context("child", &cx);
            let sent = inject(&cx.with_span(span));
            let sent = TraceParent::try_from(sent["traceparent"].as_bytes()).unwrap();

            assert_eq!(sent.flags().to_u8(), sampled | random, "{received}");
        }
    }
}

#[test]
fn a_future_version_is_sent_on_as_version_00() {
    let future = format!("cc{}-what-the-future-will-be-like", &PARENT[2..]);

    assert_eq!(forward(&[("traceparent", &future)])["traceparent"], PARENT);
}

#[test]
fn baggage_is_read_with_and_without_a_trace() {
    let alone = extract(&[("baggage", "a=1"), ("baggage", "b=%20")]);
    let traced = extract(&[("traceparent", PARENT), ("baggage", "a=1,b=%20")]);

    for cx in [alone, traced] {
        assert_eq!(cx.baggage().get("a").unwrap().as_str(), "1");
        assert_eq!(cx.baggage().get("b").unwrap().as_str(), " ");
    }
}

#[test]
fn without_baggage_none_is_read_or_written() {
    let propagator = W3cPropagator::new().without_baggage();
    let mut outbound = HeaderMap::new();

    assert!(propagator.extract(&headers(&[("baggage", "a=1")])).baggage().is_empty());
    propagator.inject(&Context::new().with_baggage([KeyValue::new("a", "1")]), &mut outbound);
    assert!(outbound.is_empty());
}

#[test]
fn an_empty_context_leaves_the_headers_as_they_are() {
    let before =
        headers(&[("traceparent", OTHER_PARENT), ("tracestate", "a=1"), ("baggage", "b=2")]);
    let mut after = before.clone();
    W3cPropagator::new().inject(&Context::new(), &mut after);

    assert_eq!(after, before);
}

#[test]
fn a_valid_span_replaces_both_fields_of_another() {
    let mut sent = headers(&[
        ("traceparent", OTHER_PARENT),
        ("traceparent", OTHER_PARENT),
        ("tracestate", "a=1"),
    ]);
    W3cPropagator::new().inject(&extract(&[("traceparent", PARENT)]), &mut sent);

    assert_eq!(sent, headers(&[("traceparent", PARENT)]));
}

#[test]
fn a_span_context_is_read_without_allocating() {
    let headers = headers(&[("traceparent", PARENT), ("accept", "*/*")]);
    let info = allocation_counter::measure(|| {
        let inbound = W3cPropagator::new().extract_lazy(Context::new(), &headers, true);
        assert!(inbound.parent().is_some_and(|parent| parent.is_sampled));
    });

    assert_eq!(info.count_total, 0);
}

#[test]
fn a_traceparent_is_written_with_one_allocation() {
    let cx = extract(&[("traceparent", PARENT)]);
    let mut headers = HeaderMap::with_capacity(4);
    let info = allocation_counter::measure(|| W3cPropagator::new().inject(&cx, &mut headers));

    assert!(headers.contains_key("traceparent"));
    // `HeaderValue` copies the bytes once, and may allocate a second block for its reference
    // count.
    assert!(info.count_total <= 2, "{}", info.count_total);
}

#[test]
fn nothing_is_allocated_where_there_is_nothing_to_read() {
    let info = allocation_counter::measure(|| {
        let cx = W3cPropagator::new().extract(&HeaderMap::new());
        assert!(!cx.has_active_span());
    });

    assert_eq!(info.count_total, 0);
}

#[test]
fn it_serves_as_a_text_map_propagator() {
    let carrier = HashMap::from([
        ("traceparent".to_owned(), PARENT.to_owned()),
        ("tracestate".to_owned(), "foo@bar@baz=1".to_owned()),
        ("baggage".to_owned(), "a=1".to_owned()),
    ]);
    let propagator = W3cPropagator::new();
    let cx = propagator.extract_with_context(&Context::new(), &carrier);
    let mut sent = HashMap::new();
    propagator.inject_context(&cx, &mut sent);

    assert_eq!(sent, carrier);
}

#[test]
fn a_carrier_without_a_trace_leaves_the_given_context() {
    let given = extract(&[("traceparent", PARENT), ("baggage", "a=1")]);
    let carrier = HashMap::<String, String>::new();
    let cx = W3cPropagator::new().extract_with_context(&given, &carrier);

    assert_eq!(inject(&cx), inject(&given));
}

#[test]
fn its_fields_are_what_it_writes() {
    let propagator = W3cPropagator::new();

    assert!(propagator.fields().eq(["traceparent", "tracestate", "baggage"]));
    assert!(propagator.without_baggage().fields().eq(["traceparent", "tracestate"]));
}

proptest! {
    #[test]
    fn any_fields_continue_a_valid_trace_or_restart(
        fields in prop::collection::vec(
            (0usize..3, prop_oneof![
                prop::collection::vec(any::<u8>(), 0..100),
                "[0c]0-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?".prop_map(String::into_bytes),
                "([a-z0-9@]{1,4}=[a-z0-9]{0,3},?){0,12}".prop_map(String::into_bytes),
            ]),
            0..8,
        ),
    ) {
        let names = [&TRACEPARENT, &TRACESTATE, &BAGGAGE];
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(names[name], value);
            }
        }
        let cx = W3cPropagator::new().extract(&headers);
        prop_assert_eq!(cx.has_active_span(), cx.span().span_context().is_valid());

        let sent = inject(&cx);
        prop_assert_eq!(sent.contains_key(&TRACEPARENT), cx.has_active_span());
        let again = W3cPropagator::new().extract(&sent);
        let (span, span_again) = (cx.span(), again.span());
        prop_assert_eq!(span_again.span_context(), span.span_context());
        let sent_again = inject(&again);
        prop_assert_eq!(sent_again.get(&TRACESTATE), sent.get(&TRACESTATE));
        prop_assert_eq!(again.baggage().len(), cx.baggage().len());
    }
}
