//! The parent of a span that is about to start.

use opentelemetry::{Context, trace::SpanContext};

use crate::propagation::{
    Headers,
    extracted::{
        Extracted, NewSpanIds, ParentRef, ParentSampling, has_random_id, non_recording_child,
        sampled_child,
    },
    w3c::ot_member::OtValues,
};

/// Values of a parent that only some samplers read.
pub(crate) trait ParentState {
    /// Returns the sampling values in the `tracestate` of the parent.
    fn ot(&self) -> OtValues;

    /// Whether the parent states that the trace ID is random.
    fn has_random_id(&self) -> bool;
}

/// Parent of a new span: a context, or request headers that are parsed only as far as the sampling decision requires.
pub(crate) trait ParentSource: ParentState {
    /// Returns the part of the parent that every sampler reads.
    fn sampling(&self) -> Option<ParentSampling>;

    /// Whether telemetry is suppressed below this parent.
    fn is_suppressed(&self) -> bool;

    /// Returns the context whose span is the parent.
    fn into_context(self) -> Context;

    /// Returns the context with a child that is not recorded.
    fn into_non_recording(self, ids: NewSpanIds) -> Context;

    /// Returns the context that `start` makes of a sampled child.
    fn into_recording(
        self,
        ids: NewSpanIds,
        start: impl FnOnce(&Context, SpanContext, ParentRef) -> Context,
    ) -> Context;
}

impl ParentState for &Context {
    fn ot(&self) -> OtValues {
        OtValues::from_context(self)
    }

    fn has_random_id(&self) -> bool {
        has_random_id(self)
    }
}

impl ParentSource for &Context {
    fn sampling(&self) -> Option<ParentSampling> {
        ParentSampling::from_context(self)
    }

    fn is_suppressed(&self) -> bool {
        self.is_telemetry_suppressed()
    }

    fn into_context(self) -> Context {
        self.clone()
    }

    fn into_non_recording(self, ids: NewSpanIds) -> Context {
        non_recording_child(self, ids)
    }

    fn into_recording(
        self,
        ids: NewSpanIds,
        start: impl FnOnce(&Context, SpanContext, ParentRef) -> Context,
    ) -> Context {
        let (identity, parent) = sampled_child(self, ids);
        start(self, identity, parent)
    }
}

impl<H: Headers> ParentState for Extracted<'_, H> {
    fn ot(&self) -> OtValues {
        Self::ot(self)
    }

    fn has_random_id(&self) -> bool {
        Self::has_random_id(self)
    }
}

impl<H: Headers> ParentSource for Extracted<'_, H> {
    #[inline(always)]
    fn sampling(&self) -> Option<ParentSampling> {
        Self::parent(self)
    }

    #[inline(always)]
    fn is_suppressed(&self) -> bool {
        Self::is_suppressed(self)
    }

    #[inline(always)]
    fn into_context(self) -> Context {
        Self::into_context(self)
    }

    #[inline(always)]
    fn into_non_recording(self, ids: NewSpanIds) -> Context {
        Self::into_non_recording(self, ids)
    }

    #[inline(always)]
    fn into_recording(
        self,
        ids: NewSpanIds,
        start: impl FnOnce(&Context, SpanContext, ParentRef) -> Context,
    ) -> Context {
        Self::into_recording(self, ids, start)
    }
}
