//! The part that a recorded span has in a trace that waits for a decision.

use std::{sync::Arc, time::Duration};

use opentelemetry::trace::{SpanContext, Status};

use super::{held_trace::HeldTrace, policy::Retention};
use crate::{
    propagation::{
        extracted::ParentSampling,
        w3c::ot_member::{OtUpdate, OtValues},
    },
    trace::{
        parent::ParentState,
        record::SpanRecord,
        sampler::{
            evaluation::{Decided, Verdict},
            input::SamplingInput,
            sampler::Tree,
        },
    },
};

/// Trace of a span that waits for a decision.
#[derive(Clone, Debug)]
pub(crate) struct HeldSpan {
    pub(crate) trace: Arc<HeldTrace>,
    /// `None` if the span is no local root.
    pub(crate) root: Option<Box<HeldRoot>>,
}

/// Values for the decision at the end of a local root.
#[derive(Clone, Debug)]
pub(crate) struct HeldRoot {
    /// Sampler that decides again, because the route was not known.
    pub(crate) late: Option<Tree>,
    pub(crate) parent: Option<ParentSampling>,
    pub(crate) parent_state: HeldParent,
    pub(crate) retention: Option<Arc<Retention>>,
    /// Decision at the start.
    pub(crate) decided: Decided,
    /// Whether the decision at the start has taken a token of a rate limit.
    pub(crate) took_token: bool,
}

/// Values of the parent that a sampler may read again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldParent {
    pub(crate) ot: OtValues,
    pub(crate) has_random_id: bool,
}

impl ParentState for HeldParent {
    fn ot(&self) -> OtValues {
        self.ot
    }

    fn has_random_id(&self) -> bool {
        self.has_random_id
    }
}

impl HeldRoot {
    /// Decides about the trace, after its local root has ended. `has_failed` is about the other spans.
    pub(crate) fn decide(&self, root: &SpanRecord, has_failed: bool) -> Decided {
        let input = SamplingInput {
            parent: self.parent,
            parent_state: &self.parent_state,
            trace_id: root.identity.trace_id(),
            // Explicit randomness was added at the start.
            has_random_ids: true,
            new_randomness: &|| 0,
            kind: &root.kind,
            attributes: &root.facts,
        };
        let mut retention = self.retention.clone();
        let mut decided = self.decided;
        if let Some(sampler) = &self.late {
            let evaluation = sampler.evaluate(&input, self.took_token);
            if let Verdict::Decided(late) = evaluation.verdict {
                decided = late;
            }
            retention = evaluation.retention;
        }
        if decided.is_sampled {
            return decided;
        }
        let has_failed = has_failed || has_error(root);
        let is_kept = retention.is_some_and(|retention| {
            (has_failed && retention.keeps_failed) || retention.keeps(&input, duration(root))
        });
        Decided { is_sampled: is_kept, ot: OtUpdate::ERASE }
    }
}

/// Whether the status of a span is `Error`.
pub(crate) fn has_error(record: &SpanRecord) -> bool {
    matches!(record.status, Status::Error { .. })
}

fn duration(record: &SpanRecord) -> Duration {
    record.end_time.duration_since(record.start_time).unwrap_or_default()
}

/// Returns the identity of a span that is kept. Exporters receive only spans with the sampled flag.
pub(crate) fn kept(identity: &SpanContext, ot: OtUpdate) -> SpanContext {
    with_sampled(identity, true, ot)
}

/// Returns the identity with this sampled flag.
pub(crate) fn with_sampled(identity: &SpanContext, is_sampled: bool, ot: OtUpdate) -> SpanContext {
    SpanContext::new(
        identity.trace_id(),
        identity.span_id(),
        identity.trace_flags().with_sampled(is_sampled),
        identity.is_remote(),
        ot.apply(identity.trace_state().clone()),
    )
}
