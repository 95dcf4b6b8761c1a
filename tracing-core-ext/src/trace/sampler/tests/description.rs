//! Text of samplers.

use std::time::Duration;

use super::*;
use crate::trace::Retention;

fn assert_text(sampler: &Sampler, expected: &str) {
    let text = sampler.to_string();
    assert_eq!(text, expected);
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
}

#[test]
fn samplers_are_written_in_the_form_of_the_configuration_schema() {
    let ratio = Sampler::trace_id_ratio;
    let unsampled = ParentBased::new(Sampler::always_on()).remote_parent_not_sampled(ratio(0.5));
    for (sampler, expected) in [
        (Sampler::always_on(), r#"{"always_on":{}}"#),
        (Sampler::always_off(), r#"{"always_off":{}}"#),
        (ratio(0.25), r#"{"trace_id_ratio_based":{"ratio":0.25}}"#),
        (
            Sampler::parent_based(ratio(0.5)),
            r#"{"parent_based":{"root":{"trace_id_ratio_based":{"ratio":0.5}}}}"#,
        ),
        (
            unsampled.into(),
            r#"{"parent_based":{"root":{"always_on":{}},"remote_parent_not_sampled":{"trace_id_ratio_based":{"ratio":0.5}}}}"#,
        ),
    ] {
        assert_text(&sampler, expected);
    }
}

#[test]
fn rules_of_the_schema_have_its_form() {
    let redis = SpanMatch::new()
        .kind(SpanKind::Client)
        .parent(SpanParent::None)
        .attribute_values("db.operation", ["PING"])
        .attribute_patterns("a\"b", ["x*"], ["xy"]);
    let half = ComposableSampler::probability(0.5).unwrap();
    let composite = SamplingRules::new()
        .rule(redis, ComposableSampler::always_off())
        .rule(SpanMatch::new(), ComposableSampler::parent_threshold(half))
        .build()
        .unwrap();
    assert_text(
        &Sampler::composite(composite),
        concat!(
            r#"{"composite/development":{"rule_based":{"rules":[{"span_kinds":["client"],"parent":["none"],"#,
            r#""attribute_values":{"key":"db.operation","values":["PING"]},"#,
            r#""attribute_patterns":{"key":"a\"b","included":["x*"],"excluded":["xy"]},"#,
            r#""sampler":{"always_off":{}}},"#,
            r#"{"sampler":{"parent_threshold":{"root":{"probability":{"ratio":0.5}}}}}]}}}"#,
        ),
    );
}

#[test]
fn samplers_that_the_schema_does_not_have_are_named() {
    let rules = SamplingRules::new()
        .rule(SpanMatch::new().path("/a").method("GET").route("/a/*"), Sampler::always_off())
        .rule(
            SpanMatch::new().attribute("k", "1").attribute("l", "2").attribute("m", "3"),
            Sampler::always_on(),
        )
        .fallback(Sampler::probability(0.25).unwrap());
    assert_text(
        &rules.build().unwrap(),
        concat!(
            r#"{"rules":{"rules":[{"path":"/a","method":"GET","route":"/a/*","sampler":{"always_off":{}}},"#,
            r#"{"attribute_patterns":{"key":"k","included":["1"]},"#,
            r#""attributes":[{"key":"l","included":["2"]},{"key":"m","included":["3"]}],"#,
            r#""sampler":{"always_on":{}}}],"fallback":{"probability/development":{"ratio":0.25}}}}"#,
        ),
    );
    assert_text(
        &Sampler::rate_limit(10.0, Sampler::always_on()).unwrap(),
        r#"{"rate_limit":{"traces_per_second":10,"sampler":{"always_on":{}}}}"#,
    );
    assert_text(&Sampler::custom(fixed::AlwaysOn), r#"{"custom":"AlwaysOn"}"#);
}

#[test]
fn a_retention_is_written_with_its_conditions_and_limits() {
    let retention = Retention::new()
        .failed(false)
        .slower_than(Duration::from_millis(1500))
        .slower_than_for(SpanMatch::new().path("/a"), Duration::from_secs(2))
        .matching(SpanMatch::new().kind(SpanKind::Server));
    assert_text(
        &Sampler::retain(Sampler::always_off(), retention).unwrap(),
        concat!(
            r#"{"retention":{"sampler":{"always_off":{}},"failed":false,"slower_than":1500,"#,
            r#""slower_than_for":[{"path":"/a","slower_than":2000}],"#,
            r#""matching":[{"span_kinds":["server"],"keep":true}],"max_bytes":33554432,"max_age":60000}}"#,
        ),
    );
}
