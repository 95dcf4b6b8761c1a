//! Decision of a sampler that reads more than the trace ID and the parent's decision.

use std::sync::Arc;

use opentelemetry::TraceId;
use opentelemetry_sdk::trace::ShouldSample;

use crate::{
    propagation::{extracted::ParentSampling, w3c::ot_member::OtUpdate},
    trace::{
        provider::state::ProviderState,
        retention::{
            held_span::{HeldParent, HeldRoot, HeldSpan},
            held_trace::HeldTrace,
        },
        sampler::{
            evaluation::{Decided, Evaluation, Verdict},
            input::SamplingInput,
            sampler::Tree,
        },
    },
};

/// How a span starts.
pub(super) enum Plan<'a> {
    Drop(OtUpdate),
    Record {
        ot: OtUpdate,
        is_sampled: bool,
        /// Set if the trace waits for a decision.
        held: Option<HeldSpan>,
    },
    /// This sampler decides. If it drops a local root, the trace may wait.
    Delegate {
        sampler: &'a dyn ShouldSample,
        hold: Option<Box<HeldRoot>>,
    },
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        provider: &ProviderState,
        sampler: &'a Tree,
        input: &SamplingInput<'_>,
    ) -> Self {
        let local_parent = input.parent.filter(|parent| !parent.is_remote);
        match local_parent.and_then(|parent| Some((parent, provider.held.find(parent.trace_id)?))) {
            Some((parent, trace)) if trace.decision() != Some(false) => {
                Self::child(sampler, input, parent, trace)
            }
            _ => Self::without_held_parent(provider, sampler, input, local_parent.is_none()),
        }
    }

    /// The parent is recorded, although it may not be sampled. So is the child, unless a rule drops it: the sampler that
    /// has dropped the local root would drop its children too.
    fn child(
        sampler: &'a Tree,
        input: &SamplingInput<'_>,
        parent: ParentSampling,
        trace: Arc<HeldTrace>,
    ) -> Self {
        let sampled = Some(ParentSampling { is_sampled: true, ..parent });
        let Evaluation { verdict, is_by_rule, .. } =
            sampler.evaluate(&SamplingInput { parent: sampled, ..*input }, false);
        let ot = match verdict {
            Verdict::Decided(Decided { is_sampled: false, ot }) if is_by_rule => {
                return Self::Drop(ot);
            }
            Verdict::Decided(Decided { is_sampled: true, ot }) => ot,
            Verdict::Decided(Decided { is_sampled: false, .. }) | Verdict::Delegate(_) => {
                OtUpdate::Keep
            }
        };
        let held = Some(HeldSpan { trace, root: None });
        Self::Record { ot, is_sampled: parent.is_sampled, held }
    }

    fn without_held_parent(
        provider: &ProviderState,
        sampler: &'a Tree,
        input: &SamplingInput<'_>,
        is_local_root: bool,
    ) -> Self {
        let Evaluation { verdict, may_change, retention, took_token, .. } =
            sampler.evaluate(input, false);
        let has_retention = retention.is_some();
        let root = |decided: Decided| {
            let late = may_change.then(|| sampler.clone());
            let parent_state = HeldParent {
                ot: input.parent_state.ot(),
                has_random_id: input.parent_state.has_random_id(),
            };
            let parent = input.parent;
            Box::new(HeldRoot { late, parent, parent_state, retention, decided, took_token })
        };
        match verdict {
            Verdict::Delegate(sampler) => {
                let dropped = Decided { is_sampled: false, ot: OtUpdate::Keep };
                let is_held = is_local_root && has_retention;
                Self::Delegate { sampler, hold: is_held.then(|| root(dropped)) }
            }
            Verdict::Decided(decided) => {
                let Decided { is_sampled, ot } = decided;
                let may_be_kept = !is_sampled && has_retention;
                if is_local_root && (may_change || may_be_kept) {
                    let held = Some(hold(provider, input.trace_id, root(decided)));
                    return Self::Record { ot, is_sampled, held };
                }
                match is_sampled {
                    true => Self::Record { ot, is_sampled, held: None },
                    false => Self::Drop(ot),
                }
            }
        }
    }
}

/// Makes a local root and its trace wait.
pub(super) fn hold(provider: &ProviderState, trace_id: TraceId, root: Box<HeldRoot>) -> HeldSpan {
    let (trace, settled) =
        provider.held.open(trace_id, root.retention.as_deref(), root.late.is_some());
    provider.export(settled);
    HeldSpan { trace, root: Some(root) }
}
