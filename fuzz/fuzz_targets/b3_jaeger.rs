//! B3 in both forms, and Jaeger's format: each line of the input is a digit, which selects a field, and
//! a value.
#![no_main]

use fuzz::{
    grammar::without_ows,
    headers::{fields, only, values},
    reference::{b3, baggage::decoded, jaeger::uber_trace_id},
};
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use opentelemetry::{baggage::BaggageExt, trace::TraceContextExt};
use tracing_core_ext::propagation::{B3Propagator, JaegerPropagator};

const NAMES: [&str; 8] = [
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-flags",
    "uber-trace-id",
    "uberctx-tenant",
    "uberctx-region",
];

fuzz_target!(|data: &[u8]| {
    let headers = fields(data, &NAMES);
    check_b3(&headers);
    check_jaeger(&headers);
});

fn check_b3(headers: &HeaderMap) {
    let first = |name| values(headers, name).first().copied();
    let fields = [first(NAMES[1]), first(NAMES[2]), first(NAMES[3]), first(NAMES[4])];
    let expected = b3::extract(first(NAMES[0]), fields);

    let cx = B3Propagator::single_header().extract(headers);
    let mut sent = HeaderMap::new();
    B3Propagator::single_header().inject(&cx, &mut sent);
    assert_eq!(only(&sent, "b3"), expected.as_ref().map(b3::B3::to_single));
    let is_sampled = expected.as_ref().is_some_and(|it| matches!(it.state, "1" | "d"));
    assert_eq!(cx.span().span_context().is_sampled(), is_sampled);

    let mut sent = HeaderMap::new();
    B3Propagator::multi_header().inject(&cx, &mut sent);
    let fields = NAMES[1..5].iter().map(|name| only(&sent, name)).collect::<Vec<_>>();
    let fields: Vec<_> = fields.iter().map(|field| field.as_ref().map(String::as_bytes)).collect();
    let again = b3::extract(None, [fields[0], fields[1], fields[2], fields[3]]);
    assert_eq!(again.map(|it| it.to_single()), expected.map(|it| it.to_single()));
}

fn check_jaeger(headers: &HeaderMap) {
    let expected = match values(headers, "uber-trace-id")[..] {
        [value] => uber_trace_id(value),
        _ => None,
    };
    let cx = JaegerPropagator::new().extract(headers);
    assert_eq!(cx.span().span_context().is_valid(), expected.is_some());
    let mut sent = HeaderMap::new();
    JaegerPropagator::new().inject(&cx, &mut sent);
    assert_eq!(only(&sent, "uber-trace-id"), expected);

    // Clients encode a space as a plus, and a plus as `%2B`.
    let entries = [(NAMES[6], "tenant"), (NAMES[7], "region")].map(|(name, key)| {
        let first = values(headers, name).first().map(|value| without_ows(value).to_vec());
        (name, key, first.map(|value| decoded_plus(&latin1(&value))))
    });
    // Entries beyond 8,192 bytes are dropped.
    let length: usize =
        entries.iter().filter_map(|(_, key, value)| Some(key.len() + value.as_ref()?.len())).sum();
    for (name, key, expected) in entries {
        let read = cx.baggage().get(key).map(|value| value.as_str().to_owned());
        if length > 8192 && read.is_none() {
            continue;
        }
        assert_eq!(read, expected, "{name}");
        assert_eq!(only(&sent, name).map(|value| decoded(&value)), expected, "{name}");
    }
}

/// Returns bytes that are no ASCII as percent-encoded.
fn latin1(value: &[u8]) -> String {
    let char = |byte: &u8| match byte {
        0x80.. => format!("%{byte:02x}"),
        _ => char::from(*byte).to_string(),
    };
    value.iter().map(char).collect()
}

fn decoded_plus(value: &str) -> String {
    decoded(&value.replace('+', "%20"))
}
