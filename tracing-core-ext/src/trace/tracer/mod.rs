//! The tracer: the only place that decides whether a span is recorded.

pub(crate) mod alias;
pub(crate) mod any_tracer;
mod plan;
mod scope;
pub(crate) mod start;

use std::{fmt, sync::Arc};

use opentelemetry::{
    Context, InstrumentationScope, KeyValue, TraceId,
    trace::{self, SpanBuilder, SpanContext, SpanKind, TraceContextExt},
};
use opentelemetry_sdk::trace::{SamplingDecision as SdkDecision, SamplingResult, ShouldSample};

use self::{
    plan::Plan,
    scope::{HeldScope, TracerScope},
    start::{SpanStart, StartedSpan, non_recording_context},
};
use super::{
    parent::ParentSource,
    provider::{id_generator, state::ProviderState},
    record::{RecordOwner, SpanRecord, pool},
    retention::held_span::{HeldRoot, HeldSpan, with_sampled},
    sampler::{
        evaluation::Decided,
        input::{ExchangeAttributes, SamplingInput},
        sampler::{SamplingDecision, Tree},
    },
    span::Span,
};
use crate::{
    base::{contain, setup_fault::SetupFault},
    propagation::{
        extracted::{NewSpanIds, ParentRef, ParentSampling, sampled_child},
        w3c::ot_member::OtUpdate,
    },
    semconv::names,
};

/// Starts spans of one instrumentation scope. It is made by a [`TracerProvider`](super::TracerProvider).
#[derive(Clone)]
pub struct Tracer(Arc<TracerScope>);

/// Identity of a span that is about to be recorded.
struct Identity {
    own: SpanContext,
    parent: ParentRef,
}

impl Tracer {
    pub(super) fn new(provider: Arc<ProviderState>, scope: InstrumentationScope) -> Self {
        Self(Arc::new(TracerScope { scope: Arc::new(scope), provider }))
    }

    /// Logs a warning if the provider was shut down, unless telemetry is disabled.
    #[cold]
    pub(super) fn warn_if_shut_down(&self) {
        let provider = &*self.0.provider;
        if provider.is_shut_down() && !provider.is_disabled {
            SetupFault::ShutDown.warn();
        }
    }

    /// Starts the span of an exchange.
    #[inline(always)]
    pub(super) fn start_exchange(
        &self,
        parent: impl ParentSource,
        start: SpanStart<'_>,
    ) -> StartedSpan {
        let provider = &*self.0.provider;
        if provider.is_shut_down() || parent.is_suppressed() {
            self.warn_if_shut_down();
            return StartedSpan::non_recording(parent.into_context());
        }
        let sampling = parent.sampling();
        let trace_id = self.trace_id(sampling);
        let sampler = provider.sampler.get();
        match sampler.decide(sampling, trace_id) {
            SamplingDecision::Drop => {
                let ids = provider.new_span_ids(trace_id);
                StartedSpan::non_recording(parent.into_non_recording(ids))
            }
            SamplingDecision::RecordAndSample => {
                let ids = provider.new_span_ids(trace_id);
                let context = parent.into_recording(ids, |cx, own, parent| {
                    self.record(cx, Identity { own, parent }, start)
                });
                StartedSpan::recording(context)
            }
            SamplingDecision::Delegate(sampler) => {
                self.start_delegated(sampler, &parent.into_context(), trace_id, start, None)
            }
            SamplingDecision::Evaluate(sampler) => {
                self.start_evaluated(sampler, parent, sampling, trace_id, start)
            }
        }
    }

    /// Starts a span after a sampler has read the parent and some attributes. It is not inlined, so that
    /// simple samplers
    /// skip its code.
    #[inline(never)]
    fn start_evaluated(
        &self,
        sampler: &Tree,
        parent: impl ParentSource,
        sampling: Option<ParentSampling>,
        trace_id: TraceId,
        start: SpanStart<'_>,
    ) -> StartedSpan {
        let provider = &*self.0.provider;
        let plan = Plan::new(
            provider,
            sampler,
            &SamplingInput {
                parent: sampling,
                parent_state: &parent,
                trace_id,
                has_random_ids: provider.has_random_ids(),
                new_randomness: &id_generator::random_bits,
                kind: &start.kind,
                attributes: &ExchangeAttributes::new(start.attributes),
            },
        );
        let ids = |ot| NewSpanIds { ot, ..provider.new_span_ids(trace_id) };
        match plan {
            Plan::Drop(ot) => StartedSpan::non_recording(parent.into_non_recording(ids(ot))),
            Plan::Record { ot, is_sampled, held } => {
                let trace = held.as_ref().map(|held| Arc::clone(&held.trace));
                let context = parent.into_recording(ids(ot), |cx, own, parent| {
                    let own = with_sampled(&own, is_sampled, OtUpdate::Keep);
                    let start = self.described(Identity { own, parent }, start);
                    cx.with_span(Span::recording(self.held(start, held)))
                });
                StartedSpan { held: trace, ..StartedSpan::recording(context) }
            }
            Plan::Delegate { sampler, hold } => {
                self.start_delegated(sampler, &parent.into_context(), trace_id, start, hold)
            }
        }
    }

    /// Returns the trace ID of a span with this parent.
    #[inline]
    fn trace_id(&self, parent: Option<ParentSampling>) -> TraceId {
        let continued = parent.map(|parent| parent.trace_id).filter(|id| *id != TraceId::INVALID);
        continued.unwrap_or_else(|| self.0.provider.new_trace_id())
    }

    #[inline]
    fn record(&self, cx: &Context, identity: Identity, start: SpanStart<'_>) -> Context {
        cx.with_span(Span::recording(self.described(identity, start)))
    }

    #[inline(always)]
    fn described(&self, identity: Identity, start: SpanStart<'_>) -> Box<SpanRecord> {
        let SpanStart { kind, timer, link, attributes } = start;
        let mut record = self.empty_record(identity, kind);
        record.start_time = timer.start_time();
        record.name = attributes.describe(&mut record.facts);
        if let Some(link) = link {
            record.add_link(*link, Vec::new());
        }
        record
    }

    /// Makes the record wait for the decision about its trace.
    fn held(&self, mut record: Box<SpanRecord>, held: Option<HeldSpan>) -> Box<SpanRecord> {
        if let Some(held) = held {
            let tracer = Arc::clone(&self.0);
            record.owner = Some(Arc::new(HeldScope { tracer, held }) as Arc<dyn RecordOwner>);
        }
        record
    }

    #[inline]
    fn empty_record(&self, identity: Identity, kind: SpanKind) -> Box<SpanRecord> {
        let mut record = pool::take();
        record.identity = identity.own;
        record.parent = identity.parent;
        record.kind = kind;
        record.facts.set_limits(self.0.provider.facts);
        record.owner = Some(Arc::clone(&self.0) as Arc<dyn RecordOwner>);
        self.0.provider.observer.on_start(&record);
        record
    }

    /// Starts a span after a sampler of any type has decided about its attributes.
    #[inline(never)]
    fn start_delegated(
        &self,
        sampler: &dyn ShouldSample,
        cx: &Context,
        trace_id: TraceId,
        start: SpanStart<'_>,
        hold: Option<Box<HeldRoot>>,
    ) -> StartedSpan {
        let SpanStart { kind, timer, link, attributes } = start;
        let mut facts = crate::semconv::Facts::default();
        let name = attributes.describe_for_sampler(&mut facts);
        let mut builder = SpanBuilder {
            name,
            span_kind: Some(kind),
            start_time: Some(timer.start_time()),
            attributes: Some(facts.take_attributes()),
            links: link.map(|link| vec![trace::Link::with_context(*link)]),
            ..SpanBuilder::default()
        };
        let result = sample(sampler, cx, trace_id, &builder);
        if attributes.has_expected_route() {
            let all = builder.attributes.iter_mut();
            all.for_each(|all| all.retain(|it| it.key.as_str() != names::HTTP_ROUTE));
        }
        let held = self.hold_dropped(trace_id, &result, hold);
        let trace = held.as_ref().map(|held| Arc::clone(&held.trace));
        let span = self.build(builder, cx, trace_id, result, held);
        if trace::Span::is_recording(&span) {
            return StartedSpan { held: trace, ..StartedSpan::recording(cx.with_span(span)) };
        }
        StartedSpan::non_recording(non_recording_context(trace::Span::span_context(&span), cx))
    }

    /// Makes a trace that another sampler drops wait for a decision.
    fn hold_dropped(
        &self,
        trace_id: TraceId,
        result: &SamplingResult,
        hold: Option<Box<HeldRoot>>,
    ) -> Option<HeldSpan> {
        let root = hold.filter(|_| result.decision == SdkDecision::Drop)?;
        Some(plan::hold(&self.0.provider, trace_id, root))
    }

    /// Creates the span that `result` decided about. It is recorded if its trace waits for a decision.
    fn build(
        &self,
        builder: SpanBuilder,
        cx: &Context,
        trace_id: TraceId,
        result: SamplingResult,
        held: Option<HeldSpan>,
    ) -> Span {
        let (sampled, parent) = sampled_child(cx, self.0.provider.new_span_ids(trace_id));
        let is_sampled = result.decision == SdkDecision::RecordAndSample;
        let flags = sampled.trace_flags().with_sampled(is_sampled);
        let own = SpanContext::new(trace_id, sampled.span_id(), flags, false, result.trace_state);
        if result.decision == SdkDecision::Drop && held.is_none() {
            return Span::non_recording(own);
        }
        let identity = Identity { own, parent };
        let record = self.record_from_builder(builder, identity, result.attributes);
        Span::recording(self.held(record, held))
    }

    fn record_from_builder(
        &self,
        builder: SpanBuilder,
        identity: Identity,
        added: Vec<KeyValue>,
    ) -> Box<SpanRecord> {
        let kind = builder.span_kind.unwrap_or(SpanKind::Internal);
        let mut record = self.empty_record(identity, kind);
        record.name = builder.name;
        let start_time = self.0.provider.observer.now().or(builder.start_time);
        record.start_time = start_time.unwrap_or_else(opentelemetry::time::now);
        let attributes = builder.attributes.into_iter().flatten().chain(added);
        attributes.for_each(|attribute| record.facts.attribute(attribute));
        for link in builder.links.into_iter().flatten() {
            record.add_link(link.span_context, link.attributes);
        }
        for event in builder.events.into_iter().flatten() {
            record.add_event(event.name, event.timestamp, event.attributes);
        }
        record
    }
}

impl trace::Tracer for Tracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent_cx: &Context) -> Span {
        if alias::is_exchange_span(&builder.name) {
            return alias::span(builder, parent_cx);
        }
        let provider = &*self.0.provider;
        if provider.is_shut_down() || parent_cx.is_telemetry_suppressed() {
            return Span::non_recording(SpanContext::NONE);
        }
        let parent = ParentSampling::from_context(parent_cx);
        let trace_id = self.trace_id(parent);
        let sampler = provider.sampler.get();
        let result = match sampler.decide(parent, trace_id) {
            SamplingDecision::Drop => decided(SdkDecision::Drop, parent_cx),
            SamplingDecision::RecordAndSample => decided(SdkDecision::RecordAndSample, parent_cx),
            SamplingDecision::Delegate(sampler) => sample(sampler, parent_cx, trace_id, &builder),
            SamplingDecision::Evaluate(sampler) => {
                return self.build_evaluated(sampler, parent, trace_id, builder, parent_cx);
            }
        };
        self.build(builder, parent_cx, trace_id, result, None)
    }
}

impl Tracer {
    /// Creates a span after a sampler has read the parent and the attributes.
    fn build_evaluated(
        &self,
        sampler: &Tree,
        parent: Option<ParentSampling>,
        trace_id: TraceId,
        builder: SpanBuilder,
        cx: &Context,
    ) -> Span {
        let provider = &*self.0.provider;
        let plan = Plan::new(
            provider,
            sampler,
            &SamplingInput {
                parent,
                parent_state: &cx,
                trace_id,
                has_random_ids: provider.has_random_ids(),
                new_randomness: &id_generator::random_bits,
                kind: builder.span_kind.as_ref().unwrap_or(&SpanKind::Internal),
                attributes: &builder.attributes.as_deref().unwrap_or_default(),
            },
        );
        let (result, held) = match plan {
            Plan::Drop(ot) => (Decided { is_sampled: false, ot }.into_result(cx), None),
            Plan::Record { ot, is_sampled, held } => {
                (Decided { is_sampled, ot }.into_result(cx), held)
            }
            Plan::Delegate { sampler, hold } => {
                let result = sample(sampler, cx, trace_id, &builder);
                let held = self.hold_dropped(trace_id, &result, hold);
                (result, held)
            }
        };
        self.build(builder, cx, trace_id, result, held)
    }
}

fn decided(decision: SdkDecision, cx: &Context) -> SamplingResult {
    let trace_state = cx.span().span_context().trace_state().clone();
    SamplingResult { decision, attributes: Vec::new(), trace_state }
}

/// Calls a sampler. If it panics, the parent decides, and a span without a parent is recorded.
fn sample(
    sampler: &dyn ShouldSample,
    cx: &Context,
    trace_id: TraceId,
    builder: &SpanBuilder,
) -> SamplingResult {
    let result = contain("a sampler", || {
        sampler.should_sample(
            Some(cx),
            trace_id,
            &builder.name,
            builder.span_kind.as_ref().unwrap_or(&SpanKind::Internal),
            builder.attributes.as_deref().unwrap_or_default(),
            builder.links.as_deref().unwrap_or_default(),
        )
    });
    result.unwrap_or_else(|| {
        let is_sampled = ParentSampling::from_context(cx).is_none_or(|parent| parent.is_sampled);
        let decision = if is_sampled { SdkDecision::RecordAndSample } else { SdkDecision::Drop };
        decided(decision, cx)
    })
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tracer").field(&self.0.scope.name()).finish()
    }
}
