use std::collections::HashMap;

use http::{HeaderMap, HeaderValue};
use opentelemetry::{KeyValue, trace::TraceContextExt};
use proptest::prelude::*;

use super::*;
use crate::propagation::headers::tests::headers;

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";
const SENT: &str = "80f198ee56343ba864fe8b2a57d3eff7:e457b5a2e4d86bd1:0:1";

fn extract(fields: &[(&'static str, &str)]) -> Context {
    JaegerPropagator::new().extract(&headers(fields))
}

fn inject(cx: &Context) -> HeaderMap {
    let mut headers = HeaderMap::new();
    JaegerPropagator::new().inject(cx, &mut headers);
    headers
}

#[track_caller]
fn assert_forwarded(received: &str, expected: &str) {
    let sent = inject(&extract(&[("uber-trace-id", received)]));
    assert_eq!(sent, headers(&[("uber-trace-id", expected)]), "{received:?}");
}

#[track_caller]
fn assert_restarts(fields: &[(&'static str, &str)]) {
    assert!(!extract(fields).has_active_span(), "{fields:?}");
}

/// Returns the headers for this baggage entry.
fn sent(key: &'static str, value: &'static str) -> HeaderMap {
    inject(&Context::new().with_baggage([KeyValue::new(key, value)]))
}

#[test]
fn a_valid_value_continues_the_trace() {
    let cx = extract(&[("uber-trace-id", SENT)]);

    let span = cx.span();
    assert_eq!(span.span_context().trace_id().to_string(), TRACE);
    assert_eq!(span.span_context().span_id().to_string(), SPAN);
    assert!(span.span_context().is_remote() && span.span_context().is_sampled());
    assert_forwarded(SENT, SENT);
}

#[test]
fn leading_zeroes_may_be_missing() {
    let ids = "00000000000000000000000000000abc:000000000000000d";

    for flags in ["1", "01"] {
        assert_forwarded(&format!("abc:d:0:{flags}"), &format!("{ids}:0:1"));
    }
}

#[test]
fn the_parent_may_have_any_value_of_its_grammar() {
    for parent in ["", "0", "0000000000000000", SPAN] {
        assert_forwarded(&format!("{TRACE}:{SPAN}:{parent}:1"), SENT);
    }
}

#[test]
fn digits_may_be_uppercase() {
    assert_forwarded(&SENT.to_uppercase(), SENT);
}

#[test]
fn colons_may_be_percent_encoded() {
    assert_forwarded(&SENT.replace(':', "%3A"), SENT);
    assert_forwarded(&SENT.replacen(':', "%3a", 2), SENT);
}

#[test]
fn flags_except_sampled_and_debug_are_dropped() {
    let flags = [("0", "0"), ("1", "1"), ("3", "3"), ("8", "0"), ("9", "1"), ("ff", "3")];
    for (received, expected) in flags {
        let [received, expected] = [received, expected].map(|it| format!("{TRACE}:{SPAN}:0:{it}"));
        assert_forwarded(&received, &expected);
    }
}

#[test]
fn the_debug_flag_counts_only_with_the_sampled_flag() {
    assert_forwarded(&format!("{TRACE}:{SPAN}:0:2"), &format!("{TRACE}:{SPAN}:0:0"));
}

#[test]
fn a_value_outside_the_grammar_restarts_the_trace() {
    let bad = [
        String::new(),
        TRACE.to_owned(),
        ":::".to_owned(),
        format!("{TRACE}:{SPAN}"),
        format!("{TRACE}:{SPAN}:0"),
        format!("{TRACE}:{SPAN}:0:"),
        format!("{TRACE}:{SPAN}:0:g"),
        format!("{TRACE}:{SPAN}:0:001"),
        format!("{TRACE}:{SPAN}:0:+1"),
        format!("{TRACE}:{SPAN}:x:1"),
        format!("{TRACE}:{SPAN}:0{SPAN}:1"),
        format!("{SENT}:0"),
        format!("{SENT},{SENT}"),
        format!(":{SPAN}:0:1"),
        format!("0:{SPAN}:0:1"),
        format!("{TRACE}::0:1"),
        format!("{TRACE}:0:0:1"),
        format!("0{TRACE}:{SPAN}:0:1"),
        format!("{TRACE}:0{SPAN}:0:1"),
        format!("-{}:{SPAN}:0:1", &TRACE[1..]),
        format!("{TRACE}%3B{SPAN}:0:1"),
        format!("{TRACE}:{SPAN}:0%"),
        format!("{TRACE}:{SPAN}:0%3"),
    ];
    for value in bad {
        assert_restarts(&[("uber-trace-id", &value)]);
    }
}

#[test]
fn two_callers_restart_the_trace() {
    assert_restarts(&[("uber-trace-id", SENT), ("uber-trace-id", SENT)]);
}

#[test]
fn baggage_is_read_with_and_without_a_trace() {
    let alone = extract(&[("uberctx-a", "1"), ("uberctx-b-c", "value%201%20%2F+%2B")]);
    let traced = extract(&[
        ("uber-trace-id", SENT),
        ("uberctx-a", "1"),
        ("uberctx-b-c", "value%201%20%2F+%2B"),
    ]);

    for cx in [alone, traced] {
        assert_eq!(cx.baggage().len(), 2);
        assert_eq!(cx.baggage().get("a").unwrap().as_str(), "1");
        assert_eq!(cx.baggage().get("b-c").unwrap().as_str(), "value 1 / +");
    }
}

#[test]
fn without_baggage_none_is_extracted_or_injected() {
    let propagator = JaegerPropagator::new().without_baggage();
    let mut outbound = HeaderMap::new();

    assert!(propagator.extract(&headers(&[("uberctx-a", "1")])).baggage().is_empty());
    propagator.inject(&Context::new().with_baggage([KeyValue::new("a", "1")]), &mut outbound);
    assert!(outbound.is_empty());
}

#[test]
fn fields_with_similar_names_are_not_baggage() {
    let fields = [("uberctx-", "1"), ("uberctx", "1"), ("x-uberctx-a", "1")];

    assert!(extract(&fields).baggage().is_empty());
}

#[test]
fn octets_that_are_not_utf8_become_the_replacement_character() {
    let cx = extract(&[("uberctx-a", "%ff1"), ("uberctx-b", "100%")]);

    assert_eq!(cx.baggage().get("a").unwrap().as_str(), "\u{fffd}1");
    assert_eq!(cx.baggage().get("b").unwrap().as_str(), "100%");
}

#[test]
fn values_are_sent_percent_encoded() {
    let expected = headers(&[("uberctx-k", "a%20b%2C%22%25%2B%C3%A9%0D%0A-._~")]);

    assert_eq!(sent("k", "a b,\"%+é\r\n-._~"), expected);
}

#[test]
fn a_key_that_is_invalid_in_a_header_name_is_not_sent() {
    for key in ["a b", "a:b", "é", "a\r\nb"] {
        assert!(sent(key, "1").is_empty(), "{key:?}");
    }
}

#[test]
fn a_65th_entry_is_dropped() {
    let mut inbound = HeaderMap::new();
    for at in 0..65 {
        let name = HeaderName::try_from(format!("uberctx-k{at}")).unwrap();
        inbound.insert(name, HeaderValue::from_static("1"));
    }

    assert_eq!(JaegerPropagator::new().extract(&inbound).baggage().len(), 64);
}

#[test]
fn entries_past_8192_bytes_are_dropped() {
    let long = "v".repeat(8000);
    let cx = extract(&[("uberctx-a", &long), ("uberctx-b", &long), ("uberctx-c", "1")]);

    assert_eq!(cx.baggage().len(), 2);
}

#[test]
fn an_empty_context_leaves_the_headers_as_they_are() {
    let before = headers(&[("uber-trace-id", SENT), ("uberctx-a", "1")]);
    let mut after = before.clone();
    JaegerPropagator::new().inject(&Context::new(), &mut after);

    assert_eq!(after, before);
}

#[test]
fn it_serves_as_a_text_map_propagator() {
    let carrier = HashMap::from([
        ("uber-trace-id".to_owned(), SENT.to_owned()),
        ("uberctx-a".to_owned(), "1".to_owned()),
    ]);
    let propagator = JaegerPropagator::new();
    let cx = propagator.extract_with_context(&Context::new(), &carrier);
    let mut sent = HashMap::new();
    propagator.inject_context(&cx, &mut sent);
    assert_eq!(sent, carrier);

    let nothing = HashMap::<String, String>::new();
    let cx = propagator.extract_with_context(&cx, &nothing);
    assert!(cx.has_active_span(), "the given context stays");
    assert!(propagator.fields().eq(["uber-trace-id"]));
}

proptest! {
    #[test]
    fn any_fields_continue_a_valid_trace_or_restart(
        fields in prop::collection::vec(
            (0usize..3, prop_oneof![
                prop::collection::vec(any::<u8>(), 0..100),
                "[0-9a-fA-F]{1,32}(:|%3A)[0-9a-f]{1,16}:[0-9a-f]{0,16}:[0-9a-f]{1,2}"
                    .prop_map(String::into_bytes),
            ]),
            0..4,
        ),
    ) {
        let names = ["uber-trace-id", "uberctx-a", "uberctx-b"];
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(names[name], value);
            }
        }
        let cx = JaegerPropagator::new().extract(&headers);
        prop_assert_eq!(cx.has_active_span(), cx.span().span_context().is_valid());

        let again = JaegerPropagator::new().extract(&inject(&cx));
        prop_assert_eq!(B3Context::of(&again), B3Context::of(&cx));
        prop_assert_eq!(again.baggage().to_string().len(), cx.baggage().to_string().len());
    }
}
