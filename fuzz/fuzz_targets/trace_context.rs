//! `traceparent` and `tracestate`: each line of the input is `0`, `1` or `2` and a value of
//! `traceparent`, `tracestate` or another field.
#![no_main]

use fuzz::{
    grammar::without_ows,
    headers::{fields, only, values},
    reference::trace_context::{traceparent, tracestate},
};
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use opentelemetry::trace::TraceContextExt;
use tracing_core_ext::{
    fuzzing::extract_not_recorded,
    propagation::{Propagator, TraceParent, W3cPropagator},
};

fuzz_target!(|data: &[u8]| {
    let headers = fields(data, &["traceparent", "tracestate", "accept"]);
    for value in values(&headers, "traceparent") {
        let read = TraceParent::try_from(value).ok().map(|read| {
            (read.trace_id().to_string(), read.parent_id().to_string(), read.flags().to_u8())
        });
        let expected = traceparent(value);
        let expected = expected.map(|it| (it.trace_id, it.parent_id, it.flags));
        assert_eq!(read, expected, "{value:?}");
    }

    // With two values the parent is ambiguous.
    let parent = match values(&headers, "traceparent")[..] {
        [value] => traceparent(without_ows(value)),
        _ => None,
    };
    let state = parent.as_ref().and_then(|_| tracestate(&values(&headers, "tracestate")));

    let propagator = W3cPropagator::new().without_baggage();
    let cx = propagator.extract(&headers);
    assert_eq!(cx.has_active_span(), parent.is_some());
    let sent = |cx| {
        let mut sent = HeaderMap::new();
        propagator.inject(cx, &mut sent);
        sent
    };
    let forwarded = sent(&cx);
    let expected =
        parent.as_ref().map(|it| format!("00-{}-{}-{:02x}", it.trace_id, it.parent_id, it.flags));
    assert_eq!(only(&forwarded, "traceparent"), expected);
    assert_eq!(only(&forwarded, "tracestate"), state);

    // A span that is not recorded propagates the list without parsing it, and the random flag.
    let unrecorded = sent(&extract_not_recorded(&Propagator::new(propagator), &headers));
    if let Some(parent) = &parent {
        let expected = format!("00-{}-{:016x}-{:02x}", parent.trace_id, 1, parent.flags & 2);
        assert_eq!(only(&unrecorded, "traceparent"), Some(expected));
        assert_eq!(only(&unrecorded, "tracestate"), state);
    }
});
