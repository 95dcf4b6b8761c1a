use std::collections::HashMap;

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags, TraceState};
use proptest::prelude::*;

use super::*;
use crate::propagation::headers::tests::headers;

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";
const IDS: &str = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1";
const MULTI: [(&str, &str); 2] = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];

fn extract(fields: &[(&'static str, &str)]) -> Context {
    B3Propagator::single_header().extract(&headers(fields))
}

fn inject(propagator: B3Propagator, cx: &Context) -> HeaderMap {
    let mut headers = HeaderMap::new();
    propagator.inject(cx, &mut headers);
    headers
}

/// Returns the single header that a service without a span of its own injects.
fn forward(fields: &[(&'static str, &str)]) -> Option<String> {
    let sent = inject(B3Propagator::single_header(), &extract(fields));
    sent.get("b3").map(|value| value.to_str().unwrap().to_owned())
}

#[track_caller]
fn assert_forwarded(fields: &[(&'static str, &str)], expected: &str) {
    assert_eq!(forward(fields).as_deref(), Some(expected), "{fields:?}");
}

#[track_caller]
fn assert_restarts(fields: &[(&'static str, &str)]) {
    assert!(!extract(fields).has_active_span(), "{fields:?}");
    assert_eq!(forward(fields), None, "{fields:?}");
}

fn with_multi(others: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&MULTI, others].concat()
}

#[test]
fn a_single_header_continues_the_trace() {
    let cx = extract(&[("b3", &format!("{IDS}-1"))]);

    let span = cx.span();
    let expected = SpanContext::new(
        TraceId::from_hex(TRACE).unwrap(),
        SpanId::from_hex(SPAN).unwrap(),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    assert_eq!(span.span_context(), &expected);
}

#[test]
fn several_headers_continue_the_trace() {
    assert_forwarded(&with_multi(&[("x-b3-sampled", "1")]), &format!("{IDS}-1"));
}

#[test]
fn a_trace_id_of_64_bits_is_padded_on_the_left() {
    let padded = format!("0000000000000000{SPAN}-{SPAN}-0");

    assert_forwarded(&[("b3", &format!("{SPAN}-{SPAN}-0"))], &padded);
    let multi = [("x-b3-traceid", SPAN), ("x-b3-spanid", SPAN), ("x-b3-sampled", "0")];
    assert_forwarded(&multi, &padded);
}

#[test]
fn sampling_state_and_parent_are_optional() {
    for state in ["", "-0", "-1", "-d"] {
        for parent in ["", "-05e3ac9a4f6e3b90"] {
            let expected = format!("{IDS}{state}");
            assert_forwarded(&[("b3", &format!("{IDS}{state}{parent}"))], &expected);
        }
    }
}

#[test]
fn a_single_header_outside_the_grammar_restarts_the_trace() {
    let bad = [
        String::new(),
        "-".to_owned(),
        "1-".to_owned(),
        "2".to_owned(),
        TRACE.to_owned(),
        format!("{TRACE}-"),
        format!("{IDS}-"),
        format!("{IDS}-1-"),
        format!("{IDS}-2"),
        format!("{IDS}-01"),
        format!("{IDS}-D"),
        format!("{IDS}-true"),
        format!("{IDS}--{SPAN}"),
        format!("{IDS}-{SPAN}-1"),
        format!("{IDS}-1-{SPAN}-1"),
        format!("{IDS}-1-{}", &SPAN[1..]),
        format!("{IDS}-1,{IDS}-1"),
        format!("{}-{SPAN}-1", &TRACE[1..]),
        format!("{TRACE}0-{SPAN}-1"),
        format!("{TRACE}-{}-1", &SPAN[1..]),
        format!("{TRACE}-{SPAN}0-1"),
        format!("{}-{SPAN}-1", TRACE.to_uppercase()),
        format!("{TRACE}-{}-1", SPAN.to_uppercase()),
        format!("{}-{SPAN}-1", TRACE.replace('0', "g")),
        format!("{}-{SPAN}-1", "0".repeat(32)),
        format!("{}-{SPAN}-1", "0".repeat(16)),
        format!("{TRACE}-{}-1", "0".repeat(16)),
        format!("0x{}-{SPAN}-1", &TRACE[2..]),
        format!("{TRACE}-+{}-1", &SPAN[1..]),
    ];
    for value in bad {
        assert_restarts(&[("b3", &value)]);
    }
}

#[test]
fn several_headers_outside_the_grammar_restart_the_trace() {
    assert_restarts(&[MULTI[0], ("x-b3-sampled", "1")]);
    assert_restarts(&[MULTI[1], ("x-b3-flags", "1")]);
    assert_restarts(&[MULTI[0], ("x-b3-spanid", "")]);
    assert_restarts(&[("x-b3-traceid", &TRACE.to_uppercase()), MULTI[1]]);
    for state in ["", "2", "d", "TRUE", "yes", "1,1"] {
        assert_restarts(&with_multi(&[("x-b3-sampled", state)]));
        assert_restarts(&[("x-b3-sampled", state)]);
    }
}

#[test]
fn the_older_values_of_sampled_are_accepted() {
    assert_forwarded(&with_multi(&[("x-b3-sampled", "true")]), &format!("{IDS}-1"));
    assert_forwarded(&with_multi(&[("x-b3-sampled", "false")]), &format!("{IDS}-0"));
}

#[test]
fn debug_implies_sampled_regardless_of_the_sampled_header() {
    for sampled in ["0", "1", "nonsense"] {
        let debug = with_multi(&[("x-b3-flags", "1"), ("x-b3-sampled", sampled)]);
        assert!(extract(&debug).span().span_context().is_sampled());
        assert_forwarded(&debug, &format!("{IDS}-d"));
    }
}

#[test]
fn other_flags_are_ignored() {
    for flags in ["0", "2", "", "true"] {
        let fields = with_multi(&[("x-b3-flags", flags), ("x-b3-sampled", "0")]);
        assert_forwarded(&fields, &format!("{IDS}-0"));
    }
}

#[test]
fn the_parent_header_is_ignored() {
    let fields = with_multi(&[("x-b3-parentspanid", "nonsense"), ("x-b3-sampled", "1")]);

    assert_forwarded(&fields, &format!("{IDS}-1"));
}

#[test]
fn the_single_header_takes_precedence() {
    let other = format!("0000000000000000{SPAN}-{SPAN}-0");
    for (single, expected) in [(&*other, &*other), ("0", "0"), ("nonsense", &format!("{IDS}-1"))] {
        let fields = with_multi(&[("x-b3-sampled", "1")]);
        assert_forwarded(&[&[("b3", single)], &*fields].concat(), expected);
    }
}

#[test]
fn the_first_of_several_values_counts() {
    assert_forwarded(&[("b3", &format!("{IDS}-1")), ("b3", "0")], &format!("{IDS}-1"));
    let sampled = [("x-b3-sampled", "0"), ("x-b3-sampled", "1")];
    assert_forwarded(&with_multi(&sampled), &format!("{IDS}-0"));
}

#[test]
fn whitespace_around_a_value_is_dropped() {
    assert_forwarded(&[("b3", &format!(" {IDS}-1\t"))], &format!("{IDS}-1"));
}

#[test]
fn a_decision_without_ids_is_sent_on() {
    for state in ["0", "1", "d"] {
        assert_forwarded(&[("b3", state)], state);
    }
    assert_forwarded(&[("x-b3-sampled", "0")], "0");
    assert_forwarded(&[("x-b3-sampled", "true")], "1");
    assert_forwarded(&[("x-b3-flags", "1")], "d");
}

#[test]
fn every_state_is_written_to_several_headers() {
    let states: [(&str, &[(&'static str, &str)]); 4] = [
        ("", &[]),
        ("0", &[("x-b3-sampled", "0")]),
        ("1", &[("x-b3-sampled", "1")]),
        ("d", &[("x-b3-flags", "1")]),
    ];
    for (state, expected) in states {
        let with_ids = format!("{IDS}-{state}");
        let cx = extract(&[("b3", with_ids.trim_end_matches('-'))]);
        let sent = inject(B3Propagator::multi_header(), &cx);
        assert_eq!(sent, headers(&[&MULTI, expected].concat()));

        let sent = inject(B3Propagator::multi_header(), &extract(&[("b3", state)]));
        assert_eq!(sent, headers(expected));
    }
}

#[test]
fn injection_replaces_every_field_of_both_forms() {
    let stale = [
        ("b3", "1"),
        ("x-b3-traceid", SPAN),
        ("x-b3-spanid", SPAN),
        ("x-b3-parentspanid", SPAN),
        ("x-b3-sampled", "0"),
        ("x-b3-flags", "1"),
        ("accept", "*/*"),
    ];
    let cx = extract(&[("b3", &format!("{IDS}-1"))]);
    for propagator in [B3Propagator::single_header(), B3Propagator::multi_header()] {
        let mut sent = headers(&stale);
        propagator.inject(&cx, &mut sent);
        assert_eq!(sent.remove("accept").unwrap(), "*/*");
        assert_eq!(sent, inject(propagator, &cx));
    }
}

#[test]
fn an_empty_context_leaves_the_headers_as_they_are() {
    let before = headers(&[("b3", "1"), ("x-b3-sampled", "1")]);
    let mut after = before.clone();
    B3Propagator::multi_header().inject(&Context::new(), &mut after);

    assert_eq!(after, before);
}

#[test]
fn the_current_context_is_not_used() {
    let _guard = extract(&[("b3", &format!("{IDS}-1"))]).attach();

    assert_restarts(&[]);
}

#[test]
fn it_serves_as_a_text_map_propagator() {
    let carrier = HashMap::from([("b3".to_owned(), format!("{IDS}-d"))]);
    let propagator = B3Propagator::single_header();
    let cx = propagator.extract_with_context(&Context::new(), &carrier);
    let mut sent = HashMap::new();
    propagator.inject_context(&cx, &mut sent);
    assert_eq!(sent, carrier);

    let nothing = HashMap::<String, String>::new();
    let cx = propagator.extract_with_context(&cx, &nothing);
    assert!(cx.has_active_span(), "the given context stays");
}

#[test]
fn its_fields_are_those_it_injects() {
    let multi = ["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"];

    assert!(B3Propagator::single_header().fields().eq(["b3"]));
    assert!(B3Propagator::multi_header().fields().eq(multi));
}

proptest! {
    #[test]
    fn any_fields_continue_a_valid_trace_or_restart(
        fields in prop::collection::vec(
            (0usize..6, prop_oneof![
                prop::collection::vec(any::<u8>(), 0..100),
                "[01d]|[0-9a-f]{16}|[0-9a-f]{32}".prop_map(String::into_bytes),
                "([0-9a-f]{16}){1,2}-[0-9a-f]{16}(-[01d2])?(-[0-9a-f]{16})?"
                    .prop_map(String::into_bytes),
            ]),
            0..8,
        ),
    ) {
        let names = [&B3, &TRACE_ID, &SPAN_ID, &PARENT_SPAN_ID, &SAMPLED, &FLAGS];
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(names[name], value);
            }
        }
        let cx = B3Propagator::single_header().extract(&headers);
        for propagator in [B3Propagator::single_header(), B3Propagator::multi_header()] {
            let again = propagator.extract(&inject(propagator, &cx));
            prop_assert_eq!(B3Context::of(&again), B3Context::of(&cx));
        }
    }
}
