//! `baggage`: each line of the input is a digit and a value of the field.
#![no_main]

use fuzz::{
    headers::{fields, only, values},
    reference::baggage::{Member, members},
};
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use opentelemetry::{Context, baggage::BaggageExt};
use tracing_core_ext::propagation::W3cPropagator;

fuzz_target!(|data: &[u8]| {
    let headers = fields(data, &["baggage"]);
    let expected = members(&values(&headers, "baggage"));
    let propagator = W3cPropagator::new();
    let cx = propagator.extract(&headers);
    assert_eq!(sorted(read(&cx)), sorted(expected.clone()));

    let mut sent = HeaderMap::new();
    propagator.inject(&cx, &mut sent);
    let sent = only(&sent, "baggage").unwrap_or_default();
    assert!(sent.len() <= 8192, "{}", sent.len());
    let again = members(&[sent.as_bytes()]);
    assert!(again.len() <= 64);
    // A value grows if it has a percent sign without digits, or octets that are no UTF-8. Then others may not fit.
    let mut rest = expected.iter();
    assert!(again.iter().all(|member| rest.any(|other| other == member)), "{expected:?} {sent}");
    if again.len() < expected.len() {
        let grows = |member: &Member| member.value.contains(['%', char::REPLACEMENT_CHARACTER]);
        assert!(expected.iter().any(grows), "{expected:?} {sent}");
    }
});

fn read(cx: &Context) -> Vec<Member> {
    let members = cx.baggage().iter().map(|(key, (value, metadata))| Member {
        key: key.as_str().to_owned(),
        value: value.as_str().to_owned(),
        properties: metadata.as_str().to_owned(),
    });
    members.collect()
}

fn sorted(mut members: Vec<Member>) -> Vec<Member> {
    members.sort_by(|one, other| one.key.cmp(&other.key));
    members
}
