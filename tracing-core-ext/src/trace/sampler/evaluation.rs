//! Evaluation of samplers.

use std::sync::{Arc, Once};

use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, SpanKind, TraceContextExt},
};
use opentelemetry_sdk::trace::{SamplingDecision as SdkDecision, SamplingResult, ShouldSample};

use super::{
    composable::{Intent, randomness},
    input::SamplingInput,
    sampler::{RateLimit, Sampler, SamplingDecision, Tree},
};
use crate::{
    propagation::{
        extracted::ParentSampling,
        w3c::ot_member::{OtUpdate, Randomness},
    },
    trace::retention::policy::Retention,
};

/// Decision of a [`Tree`].
#[derive(Clone, Copy)]
pub(crate) enum Verdict<'a> {
    Decided(Decided),
    Delegate(&'a dyn ShouldSample),
}

/// Decision of a [`Tree`], and what may change it at the end of the local root.
pub(crate) struct Evaluation<'a> {
    pub(crate) verdict: Verdict<'a>,
    /// Whether another rule may match when the route is known.
    pub(crate) may_change: bool,
    /// Retention of a trace that the head sampler drops.
    pub(crate) retention: Option<Arc<Retention>>,
    /// Whether a rule with conditions has selected the sampler.
    pub(crate) is_by_rule: bool,
    /// Whether the decision took a token of a rate limit.
    pub(crate) took_token: bool,
}

/// State of an evaluation.
#[derive(Default)]
struct Notes {
    /// Whether the decision at the start took a token of a rate limit. It is not taken again at the end.
    had_token: bool,
    may_change: bool,
    retention: Option<Arc<Retention>>,
    is_by_rule: bool,
    took_token: bool,
}

/// Decision, and the change of the `tracestate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) is_sampled: bool,
    pub(crate) ot: OtUpdate,
}

impl Sampler {
    fn evaluate(&self, input: &SamplingInput<'_>, notes: &mut Notes) -> Verdict<'_> {
        match self.decide(input.parent, input.trace_id) {
            SamplingDecision::Drop => Verdict::keep(false),
            SamplingDecision::RecordAndSample => Verdict::keep(true),
            SamplingDecision::Delegate(sampler) => Verdict::Delegate(sampler),
            SamplingDecision::Evaluate(tree) => tree.verdict(input, notes),
        }
    }
}

impl Tree {
    /// Decides about a span that starts, or again about a local root that has ended. `had_token` is set if
    /// the decision at the start took a token of a rate limit.
    pub(crate) fn evaluate(&self, input: &SamplingInput<'_>, had_token: bool) -> Evaluation<'_> {
        let mut notes = Notes { had_token, ..Notes::default() };
        let verdict = self.verdict(input, &mut notes);
        let Notes { may_change, retention, is_by_rule, took_token, .. } = notes;
        Evaluation { verdict, may_change, retention, is_by_rule, took_token }
    }

    fn verdict(&self, input: &SamplingInput<'_>, notes: &mut Notes) -> Verdict<'_> {
        match self {
            Self::Probability(threshold) => {
                warn_unless_random(input);
                Verdict::for_intent(Intent::Threshold(*threshold), input)
            }
            Self::ParentBased(parent_based) => match parent_based.select(input.parent) {
                Ok(sampler) => sampler.evaluate(input, notes),
                Err(is_sampled) => Verdict::keep(is_sampled),
            },
            Self::Composite(sampler) => {
                Verdict::for_intent(sampler.intent(input, &mut notes.is_by_rule), input)
            }
            Self::Rules(rules) => {
                let selected = rules.select(input);
                notes.may_change |= selected.may_change;
                notes.is_by_rule |= selected.is_by_rule;
                match selected.sampler {
                    Some(sampler) => sampler.evaluate(input, notes),
                    None => Verdict::keep(input.parent.is_none_or(|parent| parent.is_sampled)),
                }
            }
            Self::RateLimit(limit) => limit.evaluate(input, notes),
            Self::Retain(retain) => {
                let verdict = retain.head.evaluate(input, notes);
                notes.retention = Some(Arc::clone(&retain.retention));
                verdict
            }
        }
    }
}

impl RateLimit {
    fn evaluate(&self, input: &SamplingInput<'_>, notes: &mut Notes) -> Verdict<'_> {
        if let Some(parent) = input.parent.filter(|parent| !parent.is_remote) {
            return Verdict::keep(parent.is_sampled);
        }
        match self.sampler.evaluate(input, notes) {
            // The share of the recorded traces is not known.
            Verdict::Decided(Decided { is_sampled: true, .. }) => {
                let is_sampled = notes.had_token || self.bucket.take();
                notes.took_token |= is_sampled;
                Verdict::Decided(Decided { is_sampled, ot: OtUpdate::ERASE })
            }
            other => other,
        }
    }
}

impl Verdict<'_> {
    /// Decision of a sampler that does not change the `tracestate`.
    const fn keep(is_sampled: bool) -> Self {
        Self::Decided(Decided { is_sampled, ot: OtUpdate::Keep })
    }

    fn for_intent(intent: Intent, input: &SamplingInput<'_>) -> Self {
        // "Root Samplers MAY insert an explicit randomness value".
        let needs_randomness = input.parent.is_none() && !input.has_random_ids;
        let new_randomness = needs_randomness.then(|| Randomness::new((input.new_randomness)()));
        let sampled_at = match intent {
            Intent::Drop => None,
            Intent::SampleUnknown => {
                return Self::Decided(Decided { is_sampled: true, ot: OtUpdate::ERASE });
            }
            Intent::Threshold(threshold) => {
                let randomness = new_randomness.unwrap_or_else(|| randomness(input));
                Some(threshold).filter(|threshold| threshold.samples(randomness))
            }
        };
        let ot = OtUpdate::Set { threshold: sampled_at, new_randomness };
        Self::Decided(Decided { is_sampled: sampled_at.is_some(), ot })
    }
}

/// "The SDK SHOULD issue a warning statement in its log".
fn warn_unless_random(input: &SamplingInput<'_>) {
    static WARNED: Once = Once::new();
    let is_remote = input.parent.is_some_and(|parent| parent.is_remote);
    if !is_remote || WARNED.is_completed() {
        return;
    }
    if input.parent_state.ot().randomness.is_none() && !input.parent_state.has_random_id() {
        WARNED.call_once(|| {
            tracing::warn!(
                "the probability sampler presumes that trace ids are random, but a caller does not set the random flag: \
                 callers need W3C Trace Context Level 2"
            );
        });
    }
}

impl ShouldSample for Sampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let no_parent = Context::new();
        let parent_context = parent_context.unwrap_or(&no_parent);
        let input = SamplingInput {
            parent: ParentSampling::from_context(parent_context),
            parent_state: &parent_context,
            trace_id,
            has_random_ids: true,
            new_randomness: &|| 0,
            kind: span_kind,
            attributes: &attributes,
        };
        let mut notes = Notes::default();
        match self.evaluate(&input, &mut notes) {
            Verdict::Decided(decided) => decided.into_result(parent_context),
            Verdict::Delegate(sampler) => sampler.should_sample(
                Some(parent_context),
                trace_id,
                name,
                span_kind,
                attributes,
                links,
            ),
        }
    }
}

impl Decided {
    /// Returns the decision in the form of the SDK.
    pub(crate) fn into_result(self, parent: &Context) -> SamplingResult {
        let trace_state = parent.span().span_context().trace_state().clone();
        SamplingResult {
            decision: match self.is_sampled {
                true => SdkDecision::RecordAndSample,
                false => SdkDecision::Drop,
            },
            attributes: Vec::new(),
            trace_state: self.ot.apply(trace_state),
        }
    }
}
