//! Exchanges with each kind of sampler. The request has a sampled caller.

use tracing_core_ext::trace::{ComposableSampler, Retention, Sampler, SamplingRules, SpanMatch};

use super::exchange_sampled_by;
use crate::{Site, rig::Rig};

/// Ratio that does not sample the trace of the request.
const SMALL: f64 = 1e-6;

pub(crate) fn parent_based(rig: &Rig) -> Site {
    exchange_sampled_by(rig, Sampler::parent_based(Sampler::always_off()))
}

pub(crate) fn trace_id_ratio(rig: &Rig) -> Site {
    exchange_sampled_by(rig, Sampler::trace_id_ratio(SMALL))
}

pub(crate) fn probability(rig: &Rig) -> Site {
    let ratio = if rig.mode.is_sampled() { 1.0 } else { SMALL };
    exchange_sampled_by(rig, Sampler::probability(ratio).expect("a ratio"))
}

pub(crate) fn parent_threshold(rig: &Rig) -> Site {
    let root = ComposableSampler::always_off();
    exchange_sampled_by(rig, Sampler::composite(ComposableSampler::parent_threshold(root)))
}

pub(crate) fn rule_by_path(rig: &Rig) -> Site {
    let path = if rig.mode.is_sampled() { "/health" } else { "/items/*" };
    let rules = SamplingRules::new().rule(SpanMatch::new().path(path), Sampler::always_off());
    exchange_sampled_by(rig, rules.build().expect("valid rules"))
}

pub(crate) fn rules_by_attribute(rig: &Rig) -> Site {
    let rules = (0..10).fold(SamplingRules::new(), |rules, number| {
        let agent = SpanMatch::new().attribute("user_agent.original", &format!("probe/{number}*"));
        rules.rule(agent, Sampler::always_off())
    });
    exchange_sampled_by(rig, rules.build().expect("valid rules"))
}

/// The limit is never or always reached.
pub(crate) fn rate_limit(rig: &Rig) -> Site {
    let per_second = if rig.mode.is_sampled() { 1e9 } else { SMALL };
    let limit = Sampler::rate_limit(per_second, Sampler::always_on());
    exchange_sampled_by(rig, limit.expect("a rate"))
}

/// Every request is recorded, waits, and is discarded at its end.
pub(crate) fn retention(rig: &Rig) -> Site {
    let retained = Sampler::retain(Sampler::always_off(), Retention::new());
    exchange_sampled_by(rig, retained.expect("valid limits"))
}

/// The sampler was replaced at run time.
pub(crate) fn replaced(rig: &Rig) -> Site {
    let rig = rig.sampled_by(Sampler::trace_id_ratio(0.5));
    let sampler = if rig.mode.is_sampled() { Sampler::always_on() } else { Sampler::always_off() };
    rig.replace_sampler(sampler);
    super::exchange(&rig)
}
