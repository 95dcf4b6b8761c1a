//! Samplers that are composed of others, and rules.

use opentelemetry::{Array, StringValue, Value};
use proptest::prelude::*;

use super::*;

const SAMPLED: TraceFlags = TraceFlags::SAMPLED;
const DROPPED: TraceFlags = TraceFlags::NOT_SAMPLED;

fn probability(ratio: f64) -> Sampler {
    Sampler::probability(ratio).unwrap()
}

#[test]
fn each_kind_of_parent_has_its_own_sampler() {
    let delegates = [
        ("root", Context::new()),
        ("remote sampled", remote(SAMPLED, "")),
        ("remote not sampled", remote(DROPPED, "")),
        ("local sampled", local(SAMPLED, "")),
        ("local not sampled", local(DROPPED, "")),
    ];
    for chosen in 0..delegates.len() {
        let sampler = |at: usize| match at == chosen {
            true => Sampler::always_on(),
            false => Sampler::always_off(),
        };
        let parent_based: Sampler = ParentBased::new(sampler(0))
            .remote_parent_sampled(sampler(1))
            .remote_parent_not_sampled(sampler(2))
            .local_parent_sampled(sampler(3))
            .local_parent_not_sampled(sampler(4))
            .into();
        for (at, (name, parent)) in delegates.iter().enumerate() {
            assert_eq!(sampled(&parent_based, parent).0, at == chosen, "{name}");
        }
    }
}

#[test]
fn without_delegates_the_parent_decides() {
    let root = || probability(1.0);
    for sampler in [Sampler::parent_based(root()), ParentBased::new(root()).into()] {
        assert_eq!(sampled(&sampler, &remote(SAMPLED, "a=1")), (true, "a=1".to_owned()));
        assert_eq!(sampled(&sampler, &local(DROPPED, "")), (false, String::new()));
        assert_eq!(sampled(&sampler, &Context::new()), (true, "ot=th:0".to_owned()));
    }
    let only_one: Sampler =
        ParentBased::new(Sampler::always_off()).local_parent_not_sampled(root()).into();
    assert!(sampled(&only_one, &local(DROPPED, "")).0);
    assert!(!sampled(&only_one, &remote(DROPPED, "")).0);
}

#[test]
fn a_probability_sampler_compares_56_bits_and_writes_its_threshold() {
    for (ratio, parent, expected) in [
        (0.5, Context::new(), (true, "ot=th:8")),
        (0.499, Context::new(), (false, "")),
        (1.0, Context::new(), (true, "ot=th:0")),
        (0.0, Context::new(), (false, "")),
        // The decision of the parent is not used, and its threshold is replaced or removed.
        (0.5, remote(DROPPED, "a=1,ot=k:1"), (true, "ot=th:8;k:1,a=1")),
        (0.499, remote(SAMPLED, "a=1,ot=th:4;k:1"), (false, "ot=k:1,a=1")),
        (0.499, remote(SAMPLED, "ot=th:4"), (false, "")),
        // Explicit randomness precedes the trace ID, unless it is invalid.
        (0.5, remote(SAMPLED, "ot=rv:7fffffffffffff"), (false, "ot=rv:7fffffffffffff")),
        (0.1, remote(SAMPLED, "ot=rv:ffffffffffffff"), (true, "ot=th:e666;rv:ffffffffffffff")),
        (0.5, remote(SAMPLED, "ot=rv:7F"), (true, "ot=th:8;rv:7F")),
    ] {
        let (is_sampled, state) = expected;
        let found = sampled(&probability(ratio), &parent);
        assert_eq!(found, (is_sampled, state.to_owned()), "{ratio} {parent:?}");
    }
}

#[test]
fn ratios_outside_of_the_range_are_errors() {
    for ratio in [-0.1, 1.1, 1e-17, f64::NAN, f64::INFINITY] {
        let error = Sampler::probability(ratio).unwrap_err().to_string();
        let expected = "expected 0, or a ratio from 2^-56 to 1 such as 0.25";
        assert_eq!(error, format!("Sampler::probability()=\"{ratio}\": {expected}"));
        assert!(ComposableSampler::probability(ratio).is_err());
    }
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = Sampler::rate_limit(rate, Sampler::always_on()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("Sampler::rate_limit()=\"{rate}\": expected ")));
    }
}

#[test]
fn a_composite_sampler_propagates_the_threshold_of_the_parent() {
    let root = ComposableSampler::probability(0.25).unwrap();
    let sampler = Sampler::composite(ComposableSampler::parent_threshold(root));
    for (parent, expected) in [
        // 2^55 is below the threshold of 25 %.
        (Context::new(), (false, "")),
        (remote(SAMPLED, "ot=th:4;k:1"), (true, "ot=th:4;k:1")),
        (remote(DROPPED, "ot=th:c;k:1"), (false, "ot=k:1")),
        // Without a threshold the flag decides, and no threshold is written.
        (remote(SAMPLED, "ot=k:1"), (true, "ot=k:1")),
        (remote(DROPPED, ""), (false, "")),
        // A threshold that contradicts the flag is removed.
        (remote(SAMPLED, "ot=th:c"), (true, "")),
        (remote(DROPPED, "ot=th:4"), (false, "")),
        (remote(SAMPLED, "ot=th:xyz"), (true, "ot=th:xyz")),
    ] {
        let (is_sampled, state) = expected;
        assert_eq!(sampled(&sampler, &parent), (is_sampled, state.to_owned()), "{parent:?}");
    }
    let always = Sampler::composite(ComposableSampler::always_on());
    assert_eq!(sampled(&always, &remote(DROPPED, "ot=th:c")), (true, "ot=th:0".to_owned()));
    let never = Sampler::composite(ComposableSampler::always_off());
    assert_eq!(sampled(&never, &remote(SAMPLED, "ot=th:0")), (false, String::new()));
}

#[test]
fn composable_rules_without_a_match_drop_the_span() {
    let redis = SpanMatch::new().kind(SpanKind::Client).attribute_values("db.operation", ["PING"]);
    let rules = SamplingRules::new()
        .rule(redis.clone(), ComposableSampler::always_off())
        .rule(SpanMatch::new().kind(SpanKind::Client), ComposableSampler::always_on());
    let sampler = Sampler::composite(rules.build().unwrap());
    let ping = [KeyValue::new("db.operation", "PING")];
    assert!(!is_sampled(&sampler, &SpanKind::Client, &ping));
    assert!(is_sampled(&sampler, &SpanKind::Client, &[KeyValue::new("db.operation", "GET")]));
    assert!(!is_sampled(&sampler, &SpanKind::Server, &[]));
}

#[test]
fn the_first_rule_that_matches_decides() {
    let sampler = SamplingRules::new()
        .rule(SpanMatch::new().path("/health"), Sampler::always_off())
        .rule(SpanMatch::new().method("GET").route("/items/*"), Sampler::always_on())
        .rule(SpanMatch::new().path("/*").kind(SpanKind::Server), Sampler::always_off())
        .build()
        .unwrap();
    let path = |path: &'static str| KeyValue::new("url.path", path);
    let method = |method: &'static str| KeyValue::new("http.request.method", method);
    let route = KeyValue::new("http.route", "/items/{id}");
    for (attributes, expected) in [
        (vec![path("/health"), method("GET"), route.clone()], false),
        (vec![path("/items/7"), method("GET"), route.clone()], true),
        (vec![path("/items/7"), method("POST"), route], false),
        (vec![path("/items/7"), method("GET")], false),
        // No rule matches, and the span has no parent.
        (vec![], true),
    ] {
        assert_eq!(
            is_sampled(&sampler, &SpanKind::Server, &attributes),
            expected,
            "{attributes:?}"
        );
    }
    assert!(!sampled(&sampler, &local(DROPPED, "")).0, "the fallback follows the parent");
}

#[test]
fn every_condition_can_be_the_one_that_does_not_match() {
    let conditions = SpanMatch::new()
        .kind(SpanKind::Server)
        .kind(SpanKind::Consumer)
        .parent(SpanParent::Remote)
        .attribute_patterns("tier", ["g*", "silver"], ["gray"]);
    let rules = SamplingRules::new().rule(conditions, Sampler::always_on());
    let sampler = rules.fallback(Sampler::always_off()).build().unwrap();
    let tier = |tier: &'static str| [KeyValue::new("tier", tier)];
    let caller = remote(DROPPED, "");
    for (parent, kind, attributes, expected) in [
        (&caller, SpanKind::Server, &tier("gold")[..], true),
        (&caller, SpanKind::Consumer, &tier("silver")[..], true),
        (&caller, SpanKind::Client, &tier("gold")[..], false),
        (&local(SAMPLED, ""), SpanKind::Server, &tier("gold")[..], false),
        (&Context::new(), SpanKind::Server, &tier("gold")[..], false),
        (&caller, SpanKind::Server, &tier("gray")[..], false),
        (&caller, SpanKind::Server, &tier("bronze")[..], false),
        (&caller, SpanKind::Server, &[][..], false),
    ] {
        let result = result(&sampler, parent, &kind, attributes);
        assert_eq!(
            result.decision == SdkDecision::RecordAndSample,
            expected,
            "{kind:?} {attributes:?}"
        );
    }
}

#[test]
fn values_of_all_types_are_compared_as_text() {
    let strings = |items: &[&'static str]| {
        Value::Array(Array::String(items.iter().map(|it| StringValue::from(*it)).collect()))
    };
    for (value, pattern, expected) in [
        (Value::I64(404), "4*", true),
        (Value::I64(200), "4*", false),
        (Value::Bool(true), "true", true),
        (Value::F64(1.5), "1.5", true),
        (strings(&["a", "b"]), "b", true),
        (strings(&["a", "b"]), "c", false),
        (strings(&[]), "*", false),
        (Value::Array(Array::I64(vec![1, 2])), "2", true),
        (Value::Array(Array::Bool(vec![false])), "false", true),
        (Value::Array(Array::F64(vec![0.5])), "0.?", true),
    ] {
        let rules = SamplingRules::new()
            .rule(SpanMatch::new().attribute("key", pattern), Sampler::always_on())
            .fallback(Sampler::always_off());
        let attributes = [KeyValue::new("key", value)];
        let sampler = rules.build().unwrap();
        assert_eq!(
            is_sampled(&sampler, &SpanKind::Internal, &attributes),
            expected,
            "{attributes:?}"
        );
    }
}

#[test]
fn invalid_conditions_are_errors() {
    let any = Sampler::always_on;
    let rule = |conditions| SamplingRules::new().rule(conditions, any()).build();
    let new = SpanMatch::new;
    for (conditions, expected) in [
        (
            new().path("health"),
            "SpanMatch::path()=\"health\": expected a pattern that starts with / or *, such as /health",
        ),
        (
            new().route(""),
            "SpanMatch::route()=\"\": expected a pattern that starts with / or *, such as /health",
        ),
        (
            new().method("GET /"),
            "SpanMatch::method()=\"GET /\": expected a request method such as GET",
        ),
        (
            new().attribute("", "a"),
            "SpanMatch::attribute_patterns()=\"\": expected an attribute with a key",
        ),
        (
            new().attribute_values("a", []),
            "SpanMatch::attribute_values()=\"a\": expected at least one value",
        ),
    ] {
        assert_eq!(rule(conditions).unwrap_err().to_string(), expected);
    }
    let rules = SamplingRules::new().rule(new(), any()).rule(new().path("/a"), any());
    assert_eq!(
        rules.build().unwrap_err().to_string(),
        "SamplingRules::rule()=\"rule 2\": expected no rule after rule 1, which matches every span"
    );
}

#[test]
fn a_rate_limit_counts_traces_and_not_spans() {
    let sampler = Sampler::rate_limit(2.0, Sampler::always_on()).unwrap();
    let sampled = |parent: &Context| sampled(&sampler, parent);
    assert_eq!(sampled(&remote(SAMPLED, "ot=th:8;k:1")), (true, "ot=k:1".to_owned()));
    assert!((0..100).all(|_| sampled(&local(SAMPLED, "")).0));
    assert!((0..100).all(|_| !sampled(&local(DROPPED, "")).0));
    assert!(sampled(&Context::new()).0);
    assert!(!sampled(&Context::new()).0);
    let nothing = Sampler::rate_limit(1.0, Sampler::always_off()).unwrap();
    assert!(!super::sampled(&nothing, &Context::new()).0);
}

#[test]
fn a_sampler_that_starts_no_trace_is_known_in_every_form() {
    let none = Sampler::always_off;
    let rules = |sampler: Sampler, fallback| {
        let rules = SamplingRules::new().rule(SpanMatch::new().path("/a"), sampler);
        rules.fallback(fallback).build().unwrap()
    };
    let composite = |root| Sampler::composite(ComposableSampler::parent_threshold(root));
    for (sampler, expected) in [
        (probability(0.0), true),
        (probability(0.1), false),
        (rules(none(), none()), true),
        (rules(none(), Sampler::always_on()), false),
        (rules(probability(0.1), none()), false),
        (Sampler::rate_limit(1.0, none()).unwrap(), true),
        (composite(ComposableSampler::always_off()), true),
        (composite(ComposableSampler::always_on()), false),
        (ParentBased::new(none()).local_parent_sampled(none()).into(), true),
    ] {
        assert_eq!(sampler.starts_no_trace(), expected, "{sampler}");
    }
}

proptest! {
    #[test]
    fn a_trace_of_a_lower_ratio_is_one_of_a_higher_ratio(
        trace_id in 1..u128::MAX,
        low in 1e-9..1.0f64,
        high in 1e-9..1.0f64,
    ) {
        let (low, high) = (low.min(high), low.max(high));
        let is_sampled = |ratio| {
            let cx = Context::new();
            let result = probability(ratio).should_sample(
                Some(&cx), trace_id.into(), "", &SpanKind::Internal, &[], &[],
            );
            result.decision == SdkDecision::RecordAndSample
        };
        prop_assert!(is_sampled(high) || !is_sampled(low));
    }

    #[test]
    fn the_share_of_sampled_traces_is_the_ratio(seed: u64) {
        let ids = (0..4096u64).map(|at| (seed.wrapping_add(at)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let sampler = probability(0.25);
        let cx = Context::new();
        let count = ids.filter(|id| {
            let trace_id = TraceId::from(u128::from(*id) | 1 << 127);
            let result = sampler.should_sample(Some(&cx), trace_id, "", &SpanKind::Internal, &[], &[]);
            result.decision == SdkDecision::RecordAndSample
        });
        prop_assert!((900..1150).contains(&count.count()));
    }
}
