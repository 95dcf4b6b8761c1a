use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};

use super::{
    headers::{HeaderValues, Headers},
    w3c::{
        extras::{W3cExtras, with_extras},
        ot_member::{OT, OtUpdate, OtValues},
        traceparent::{RANDOM, TraceParent},
        tracestate::{self, RawTraceState, TRACESTATE},
    },
};

/// Result of an extraction that stops when it has determined whether a child span would be recorded.
///
/// The `tracestate` is parsed, and a context with the caller's span is created, only if they are
/// needed.
pub(crate) struct Extracted<'a, H> {
    /// Context with everything except `remote_parent`, which becomes the parent of spans created in
    /// it.
    pub(super) cx: Context,
    /// `None` if there is no caller, or if `cx` contains the caller's span.
    pub(super) remote_parent: Option<RemoteParent<'a, H>>,
}

/// Caller that sent a valid `traceparent`.
pub(super) struct RemoteParent<'a, H> {
    pub(super) parent: TraceParent,
    pub(super) state: Option<TraceStateHeader<'a, H>>,
    /// Whether the `tracestate` may be stored in the context without being parsed.
    pub(super) keeps_raw: bool,
}

/// A `tracestate` field of these headers.
#[derive(Clone, Copy)]
pub(super) struct TraceStateHeader<'a, H> {
    pub(super) field: HeaderValues<'a>,
    pub(super) headers: &'a H,
}

/// Values of the parent that a sampler reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParentSampling {
    /// Invalid if a sampling decision was received without a span.
    pub(crate) trace_id: TraceId,
    pub(crate) is_sampled: bool,
    pub(crate) is_remote: bool,
}

/// Identity of a span that is about to start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewSpanIds {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// Flags of the trace if it starts with this span.
    pub(crate) root_flags: TraceFlags,
    /// Change of the `tracestate` by the sampler.
    pub(crate) ot: OtUpdate,
}

/// Reference to the parent in a recorded span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParentRef {
    pub(crate) span_id: SpanId,
    pub(crate) is_remote: bool,
}

impl ParentSampling {
    /// Returns the values of the span in `cx`, if there is one.
    pub(crate) fn from_context(cx: &Context) -> Option<Self> {
        let span = cx.has_active_span().then(|| cx.span())?;
        let span = span.span_context();
        Some(Self {
            trace_id: span.trace_id(),
            is_sampled: span.is_sampled(),
            is_remote: span.is_remote(),
        })
    }
}

impl OtValues {
    /// Returns the sampling values of the span in `cx`.
    pub(crate) fn from_context(cx: &Context) -> Self {
        let span = cx.span();
        let span = span.span_context();
        if let Some(member) = span.trace_state().get(OT) {
            return Self::parse(member);
        }
        match W3cExtras::of(cx, span.trace_id()).and_then(|extras| extras.list.as_ref()) {
            Some(RawTraceState::Unparsed(list)) => {
                tracestate::with_member([&list[..]], OT, Self::parse).unwrap_or_default()
            }
            _ => Self::default(),
        }
    }
}

/// Whether the ID of the trace in `cx` is known to be random.
pub(crate) fn has_random_id(cx: &Context) -> bool {
    let span = cx.span();
    let span = span.span_context();
    let is_random = || W3cExtras::of(cx, span.trace_id()).is_some_and(|extras| extras.random);
    span.trace_flags() & RANDOM == RANDOM || is_random()
}

impl<H: Headers> Extracted<'_, H> {
    /// Wraps a context that is extracted completely.
    pub(super) const fn from_context(cx: Context) -> Self {
        Self { cx, remote_parent: None }
    }

    /// Returns the result for a request without a caller.
    pub(crate) fn empty() -> Self {
        Self::from_context(Context::new())
    }

    #[inline(always)]
    pub(crate) fn parent(&self) -> Option<ParentSampling> {
        match &self.remote_parent {
            Some(remote_parent) => Some(ParentSampling {
                trace_id: remote_parent.parent.trace_id(),
                is_sampled: remote_parent.parent.flags().is_sampled(),
                is_remote: true,
            }),
            None => ParentSampling::from_context(&self.cx),
        }
    }

    /// Returns the sampling values in the `tracestate`.
    pub(crate) fn ot(&self) -> OtValues {
        match &self.remote_parent {
            Some(remote_parent) => remote_parent.ot(),
            None => OtValues::from_context(&self.cx),
        }
    }

    /// Whether the trace ID is known to be random.
    pub(crate) fn has_random_id(&self) -> bool {
        match &self.remote_parent {
            Some(remote_parent) => remote_parent.parent.is_random(),
            None => has_random_id(&self.cx),
        }
    }

    /// Whether telemetry is suppressed.
    pub(crate) fn is_suppressed(&self) -> bool {
        self.cx.is_telemetry_suppressed()
    }

    /// Returns a context with the caller's span.
    #[inline(always)]
    pub(crate) fn into_context(self) -> Context {
        match self.remote_parent {
            Some(remote_parent) => remote_parent.into_context(&self.cx),
            None => self.cx,
        }
    }

    /// Returns a context with a non-recording child of the caller's span.
    #[inline(always)]
    pub(crate) fn into_non_recording(self, ids: NewSpanIds) -> Context {
        match self.remote_parent {
            Some(remote_parent) => remote_parent.into_non_recording(&self.cx, ids),
            None => non_recording_child(&self.cx, ids),
        }
    }
}

impl<'a, H: Headers> Extracted<'a, H> {
    /// Returns the context that `start` creates for a sampled child of the caller's span.
    #[inline(always)]
    pub(crate) fn into_recording(
        self,
        ids: NewSpanIds,
        start: impl FnOnce(&Context, SpanContext, ParentRef) -> Context,
    ) -> Context {
        match self.remote_parent {
            Some(remote_parent) => remote_parent.into_recording(&self.cx, ids, start),
            None => {
                let (identity, parent) = sampled_child(&self.cx, ids);
                start(&self.cx, identity, parent)
            }
        }
    }
}

impl<H: Headers> RemoteParent<'_, H> {
    #[inline(always)]
    fn into_recording(
        self,
        cx: &Context,
        ids: NewSpanIds,
        start: impl FnOnce(&Context, SpanContext, ParentRef) -> Context,
    ) -> Context {
        let (trace_state, list) = self.read_state();
        let trace_state = ids.ot.apply(trace_state);
        let flags = self.parent.flags().with_sampled(true);
        let trace_id = self.parent.trace_id();
        let identity = SpanContext::new(trace_id, ids.span_id, flags, false, trace_state);
        let parent = ParentRef { span_id: self.parent.parent_id(), is_remote: true };
        with_extras(start(cx, identity, parent), self.parent, list)
    }

    #[inline(always)]
    pub(super) fn into_context(self, cx: &Context) -> Context {
        let (trace_state, list) = self.read_state();
        let cx = cx.with_remote_span_context(self.parent.into_span_context(trace_state));
        with_extras(cx, self.parent, list)
    }

    fn into_non_recording(self, cx: &Context, ids: NewSpanIds) -> Context {
        let (trace_state, list) = match &self.state {
            Some(state) if self.keeps_raw && !state.is_changed_by(ids.ot) => {
                (TraceState::NONE, state.keep_raw())
            }
            _ => self.read_state(),
        };
        let trace_state = ids.ot.apply(trace_state);
        let flags = TraceFlags::NOT_SAMPLED;
        let cx = non_recording(cx, self.parent.trace_id(), ids.span_id, flags, trace_state);
        with_extras(cx, self.parent, list)
    }

    fn ot(&self) -> OtValues {
        self.state.as_ref().and_then(TraceStateHeader::ot).unwrap_or_default()
    }

    #[inline(always)]
    fn read_state(&self) -> (TraceState, Option<RawTraceState>) {
        self.state.as_ref().map_or((TraceState::NONE, None), TraceStateHeader::read)
    }
}

impl<H: Headers> TraceStateHeader<'_, H> {
    /// Returns the sampling values of the list, if it has an `ot` member.
    fn ot(&self) -> Option<OtValues> {
        match self.field.is_only {
            true => tracestate::with_member([self.field.first], OT, OtValues::parse),
            false => tracestate::with_member(self.headers.values(&TRACESTATE), OT, OtValues::parse),
        }
    }

    /// Whether the list may differ after the change of a sampler.
    fn is_changed_by(&self, update: OtUpdate) -> bool {
        let names_ot = |line: &[u8]| line.windows(3).any(|bytes| bytes == b"ot=");
        match update {
            OtUpdate::Keep => false,
            _ if !update.adds_nothing() || !self.field.is_only => true,
            _ => names_ot(self.field.first),
        }
    }

    fn read(&self) -> (TraceState, Option<RawTraceState>) {
        match self.field.is_only {
            true => tracestate::extract([self.field.first]),
            false => tracestate::extract(self.headers.values(&TRACESTATE)),
        }
    }

    fn keep_raw(&self) -> Option<RawTraceState> {
        match self.field.is_only {
            true => tracestate::keep_raw(|| [self.field.first]),
            false => tracestate::keep_raw(|| self.headers.values(&TRACESTATE)),
        }
    }
}

/// Returns the identity of a sampled child of the span in `cx`.
pub(crate) fn sampled_child(cx: &Context, ids: NewSpanIds) -> (SpanContext, ParentRef) {
    let span = cx.span();
    let parent = span.span_context();
    let flags = trace_flags(parent, ids).with_sampled(true);
    let is_remote = parent.is_valid() && parent.is_remote();
    let state = ids.ot.apply(parent.trace_state().clone());
    let identity = SpanContext::new(ids.trace_id, ids.span_id, flags, false, state);
    (identity, ParentRef { span_id: parent.span_id(), is_remote })
}

/// Returns `cx` with a non-recording child of its span.
pub(crate) fn non_recording_child(cx: &Context, ids: NewSpanIds) -> Context {
    let span = cx.span();
    let parent = span.span_context();
    let flags = trace_flags(parent, ids).with_sampled(false);
    let state = ids.ot.apply(parent.trace_state().clone());
    non_recording(cx, ids.trace_id, ids.span_id, flags, state)
}

/// Returns the flags of the trace: those of the parent, or `root_flags` for a new trace.
#[inline]
fn trace_flags(parent: &SpanContext, ids: NewSpanIds) -> TraceFlags {
    if parent.is_valid() { parent.trace_flags() } else { ids.root_flags }
}

#[inline(always)]
fn non_recording(
    cx: &Context,
    trace_id: TraceId,
    span_id: SpanId,
    flags: TraceFlags,
    state: TraceState,
) -> Context {
    cx.with_remote_span_context(SpanContext::new(trace_id, span_id, flags, false, state))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Request};
    use opentelemetry::trace::{Tracer, TracerProvider as _};
    use tracing_subscriber::layer::SubscriberExt;

    use crate::{
        exchange::{self, Builder, Exchange, Instrumentation},
        propagation::{propagator::Propagator, w3c::W3cPropagator},
        trace::{Sampler, TracerProvider},
    };

    use super::*;

    /// List with a key that `TraceState` refuses, every valid character of a value, and no optional
    /// whitespace.
    const LIST: &str = "a@b@c=!\"#$%&'()*+-./09:;<>?@AZ[\\]^_`az{|}~,1foo= x,z=1";

    fn provider() -> TracerProvider {
        TracerProvider::builder().with_sampler(Sampler::always_off()).build()
    }

    fn received(provider: &TracerProvider, propagator: Propagator) -> Exchange {
        let builder = Builder::<Instrumentation>::new("test", "1").tracer_provider(provider);
        let request = Request::get("/")
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .header("tracestate", LIST);
        builder.propagator(propagator).build().start_server(&request.body(()).unwrap())
    }

    fn sent() -> HeaderMap {
        let mut headers = HeaderMap::new();
        Propagator::w3c().inject(&Context::current(), &mut headers);
        headers
    }

    #[track_caller]
    fn assert_goes_on(sent: &HeaderMap) {
        assert_eq!(sent["tracestate"], LIST);
        let traceparent = sent["traceparent"].to_str().unwrap();
        assert_eq!(&traceparent[..36], "00-0af7651916cd43dd8448eb211c80319c-");
        assert_ne!(&traceparent[36..52], "b7ad6b7169203331");
        assert_eq!(&traceparent[52..], "-00");
    }

    /// Runs `claim` with a subscriber in which no other layer can capture the `tracing` span,
    /// regardless of the subscribers of other tests.
    fn uncaptured(claim: impl FnOnce(&TracerProvider)) {
        let provider = provider();
        let ours = exchange::layer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(ours);
        tracing::subscriber::with_default(subscriber, || claim(&provider));
    }

    #[test]
    fn a_list_that_nobody_has_read_goes_on_byte_for_byte() {
        uncaptured(|provider| {
            let mut exchange = received(provider, Propagator::w3c());
            let state = exchange.context().unwrap().span().span_context().trace_state().clone();
            assert_eq!(state, TraceState::NONE);
            assert_goes_on(&exchange.in_scope(sent));
        });
    }

    #[test]
    fn it_goes_on_from_spans_of_the_sdk_below() {
        uncaptured(|provider| {
            let mut exchange = received(provider, Propagator::w3c());
            exchange.in_scope(|| {
                let child = provider.tracer("test").start("child");
                let _below = Context::current_with_span(child).attach();
                assert_goes_on(&sent());
            });
        });
    }

    #[test]
    fn it_goes_on_from_tracing_spans_below() {
        for is_plain in [true, false] {
            let provider = provider();
            let tracer = || provider.tracer("test");
            let plain = is_plain.then(|| tracing_opentelemetry::layer().with_tracer(tracer()));
            let ours = (!is_plain).then(|| exchange::layer(tracer()));
            let subscriber = tracing_subscriber::registry().with(plain).with(ours);
            tracing::subscriber::with_default(subscriber, || {
                let mut exchange = received(&provider, Propagator::w3c());
                exchange
                    .in_scope(|| tracing::info_span!("work").in_scope(|| assert_goes_on(&sent())));
            });
        }
    }

    #[test]
    fn what_a_program_adds_goes_before_it() {
        uncaptured(|provider| {
            let mut exchange = received(provider, Propagator::w3c());
            let below = exchange.in_scope(|| {
                let cx = Context::current();
                let span = cx.span().span_context().clone();
                let state = span.trace_state().insert("mine", "1").unwrap();
                let (trace_id, flags) = (span.trace_id(), span.trace_flags());
                cx.with_remote_span_context(SpanContext::new(
                    trace_id,
                    7.into(),
                    flags,
                    false,
                    state,
                ))
            });
            let mut headers = HeaderMap::new();
            Propagator::w3c().inject(&below, &mut headers);
            assert_eq!(headers["tracestate"], format!("mine=1,{LIST}"));
        });
    }

    #[test]
    fn a_list_is_read_where_others_may_have_to_send_it_on() {
        let of_others = Propagator::replacing_global(W3cPropagator::new());
        let exchange = received(&provider(), of_others);
        let cx = exchange.context().unwrap();
        assert_eq!(cx.span().span_context().trace_state().get("z"), Some("1"));
    }

    #[test]
    fn a_long_list_is_cut_before_it_is_carried() {
        let long = format!("a={}", "v".repeat(200));
        let mut headers = HeaderMap::new();
        for at in 10..40 {
            let line = format!("k{at}{long}");
            headers.append("tracestate", HeaderValue::from_str(&line).unwrap());
        }
        let raw = tracestate::keep_raw(|| Headers::values(&headers, &TRACESTATE)).unwrap();
        let RawTraceState::Unparsed(list) = raw else { panic!("{raw:?}") };
        assert!(list.len() <= 4096 && list.len() > 3800, "{}", list.len());
    }
}
