use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};

use super::{
    Headers, TraceParent,
    headers::Field,
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
    pub(super) state: Option<State<'a, H>>,
    /// That may travel beside a span, unread.
    pub(super) carries_lists: bool,
}

/// A `tracestate` in these headers.
#[derive(Clone, Copy)]
pub(super) struct State<'a, H> {
    pub(super) field: Field<'a>,
    pub(super) headers: &'a H,
}

/// The parent of a span, as far as a sampler asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    /// Invalid where a decision came without a span.
    pub(crate) trace_id: TraceId,
    pub(crate) is_sampled: bool,
}

/// The parent of a span, as it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParentSpan {
    pub(crate) span_id: SpanId,
    pub(crate) is_remote: bool,
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

impl<'a, H: Headers> Inbound<'a, H> {
    /// The context whose span `start` makes below the caller's, as one that is sampled.
    #[inline(always)]
    pub(crate) fn into_sampled(
        self,
        trace_id: TraceId,
        span_id: SpanId,
        start: impl FnOnce(&Context, SpanContext, ParentSpan) -> Context,
    ) -> Context {
        match self.caller {
            Some(caller) => caller.into_sampled(&self.cx, span_id, start),
            None => {
                let (identity, parent) = sampled_below(&self.cx, trace_id, span_id);
                start(&self.cx, identity, parent)
            }
        }
    }
}

impl<H: Headers> Caller<'_, H> {
    #[inline(always)]
    fn into_sampled(
        self,
        cx: &Context,
        span_id: SpanId,
        start: impl FnOnce(&Context, SpanContext, ParentSpan) -> Context,
    ) -> Context {
        let (trace_state, list) = self.read_state();
        let flags = self.parent.flags().with_sampled(true);
        let trace_id = self.parent.trace_id();
        let identity = SpanContext::new(trace_id, span_id, flags, false, trace_state);
        let parent = ParentSpan { span_id: self.parent.parent_id(), is_remote: true };
        beside(start(cx, identity, parent), self.parent, list)
    }

    #[inline(always)]
    pub(super) fn into_context(self, cx: &Context) -> Context {
        let (trace_state, list) = self.read_state();
        let cx = cx.with_remote_span_context(self.parent.into_span_context(trace_state));
        beside(cx, self.parent, list)
    }

    fn into_unrecorded(self, cx: &Context, span_id: SpanId) -> Context {
        let (trace_state, list) = match &self.state {
            Some(state) if self.carries_lists => (TraceState::NONE, state.carry()),
            _ => self.read_state(),
        };
        let cx = unrecorded(cx, self.parent.trace_id(), span_id, trace_state);
        beside(cx, self.parent, list)
    }

    #[inline(always)]
    fn read_state(&self) -> (TraceState, Option<Carried>) {
        self.state.as_ref().map_or((TraceState::NONE, None), State::read)
    }
}

impl<H: Headers> State<'_, H> {
    fn read(&self) -> (TraceState, Option<Carried>) {
        match self.field.is_only {
            true => tracestate::extract([self.field.first]),
            false => tracestate::extract(self.headers.values(&TRACESTATE)),
        }
    }

    fn carry(&self) -> Option<Carried> {
        match self.field.is_only {
            true => tracestate::carry(|| [self.field.first]),
            false => tracestate::carry(|| self.headers.values(&TRACESTATE)),
        }
    }
}

/// The identity of a span below that of `cx` which is sampled, as the SDK would make it.
pub(crate) fn sampled_below(
    cx: &Context,
    trace_id: TraceId,
    span_id: SpanId,
) -> (SpanContext, ParentSpan) {
    let span = cx.span();
    let parent = span.span_context();
    let (flags, is_remote) = match parent.is_valid() {
        true => (parent.trace_flags(), parent.is_remote()),
        false => (TraceFlags::NOT_SAMPLED, false),
    };
    let (flags, state) = (flags.with_sampled(true), parent.trace_state().clone());
    let identity = SpanContext::new(trace_id, span_id, flags, false, state);
    (identity, ParentSpan { span_id: parent.span_id(), is_remote })
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
