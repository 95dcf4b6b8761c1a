use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};

use super::{
    Headers, TraceParent,
    remainder::beside,
    tracestate::{self, Carried},
    w3c::TRACESTATE,
};

/// What a caller sent, read as far as it takes to know whether a span below it is recorded: only then is a `tracestate`
/// read, and a context made of the caller's span.
pub(crate) struct Inbound<'a, H> {
    /// All but the caller below, who would be the parent of all that is made in it.
    pub(super) cx: Context,
    /// None where there is no caller, and where the context has it already.
    pub(super) caller: Option<Caller<'a, H>>,
}

/// Who sent a `traceparent`.
pub(super) struct Caller<'a, H> {
    pub(super) parent: TraceParent,
    /// Headers with a `tracestate`.
    pub(super) state: Option<&'a H>,
    /// That may travel beside a span, unread.
    pub(super) carries_lists: bool,
}

/// The parent of a span, as far as a sampler asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    /// Invalid where a decision came without a span.
    pub(crate) trace_id: TraceId,
    pub(crate) is_sampled: bool,
}

impl Parent {
    /// The span of `cx`.
    pub(crate) fn of(cx: &Context) -> Option<Self> {
        let span = cx.has_active_span().then(|| cx.span())?;
        let span = span.span_context();
        Some(Self { trace_id: span.trace_id(), is_sampled: span.is_sampled() })
    }
}

impl<H: Headers> Inbound<'_, H> {
    /// What was read into `cx` whole.
    pub(super) const fn read(cx: Context) -> Self {
        Self { cx, caller: None }
    }

    /// Nobody has called.
    pub(crate) fn nothing() -> Self {
        Self::read(Context::new())
    }

    #[inline(always)]
    pub(crate) fn parent(&self) -> Option<Parent> {
        match &self.caller {
            Some(caller) => Some(Parent {
                trace_id: caller.parent.trace_id(),
                is_sampled: caller.parent.flags().is_sampled(),
            }),
            None => Parent::of(&self.cx),
        }
    }

    /// The context whose span is the caller's.
    #[inline(always)]
    pub(crate) fn into_context(self) -> Context {
        match self.caller {
            Some(caller) => caller.into_context(&self.cx),
            None => self.cx,
        }
    }

    /// The context whose span is this one below the caller's, which nobody records.
    #[inline(always)]
    pub(crate) fn into_unrecorded(self, trace_id: TraceId, span_id: SpanId) -> Context {
        match self.caller {
            Some(caller) => caller.into_unrecorded(&self.cx, span_id),
            None => unrecorded_below(&self.cx, trace_id, span_id),
        }
    }
}

impl<H: Headers> Caller<'_, H> {
    #[inline(always)]
    pub(super) fn into_context(self, cx: &Context) -> Context {
        let (trace_state, list) = self.read_state();
        let cx = cx.with_remote_span_context(self.parent.into_span_context(trace_state));
        beside(cx, self.parent, list)
    }

    #[inline(always)]
    fn into_unrecorded(self, cx: &Context, span_id: SpanId) -> Context {
        let (trace_state, list) = match self.state.filter(|_| self.carries_lists) {
            Some(headers) => (TraceState::NONE, tracestate::carry(|| headers.values(&TRACESTATE))),
            None => self.read_state(),
        };
        let cx = unrecorded(cx, self.parent.trace_id(), span_id, trace_state);
        beside(cx, self.parent, list)
    }

    #[inline(always)]
    fn read_state(&self) -> (TraceState, Option<Carried>) {
        match self.state {
            Some(headers) => tracestate::extract(headers.values(&TRACESTATE)),
            None => (TraceState::NONE, None),
        }
    }
}

/// `cx` with a span below its own that nobody records, as the SDK would make it.
pub(crate) fn unrecorded_below(cx: &Context, trace_id: TraceId, span_id: SpanId) -> Context {
    let trace_state = cx.span().span_context().trace_state().clone();
    unrecorded(cx, trace_id, span_id, trace_state)
}

/// The SDK clears all flags as well.
#[inline(always)]
fn unrecorded(cx: &Context, trace_id: TraceId, span_id: SpanId, state: TraceState) -> Context {
    let flags = TraceFlags::NOT_SAMPLED;
    cx.with_remote_span_context(SpanContext::new(trace_id, span_id, flags, false, state))
}
