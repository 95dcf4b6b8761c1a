use opentelemetry::{
    Context,
    trace::{Link, Span, SpanBuilder, SpanContext, SpanKind, TraceContextExt, Tracer},
};

use super::sampler::{Fate, Foresight};
use crate::{
    propagation::extracted::{ParentSampling, non_recording_child, sampled_child},
    semconv::span_attributes::SpanAttributes,
    trace::timer::Timer,
};

/// Room for every attribute of a span, those of the response too, so that the list never grows.
pub(super) const CAPACITY: usize = 16;

/// A span that is about to start.
pub(crate) struct Start<'a> {
    pub(crate) kind: SpanKind,
    pub(crate) clock: &'a mut Timer,
    pub(crate) link: Option<Box<SpanContext>>,
    pub(crate) description: &'a dyn SpanAttributes,
}

/// A tracer of any type, resolved when a layer is built.
pub(crate) trait StartSpan: Send + Sync {
    /// What becomes of a span below `parent`.
    fn fate(&self, parent: Option<ParentSampling>) -> Fate<'_>;

    /// Starts a span below `parent`.
    fn start(&self, start: Start<'_>, parent: &Context) -> Started;
}

/// A span to link to. Few spans have one, so it is boxed: moving it would cost all of them.
pub(crate) fn link_to(span: &SpanContext) -> Option<Box<SpanContext>> {
    span.is_valid().then(|| Box::new(span.clone()))
}

/// A span that has started.
pub(crate) struct Started {
    /// The parent's context, with the span in it.
    pub(crate) context: Context,
    pub(crate) is_recorded: bool,
}

impl Started {
    /// Only the identity of a span matters that is not recorded.
    pub(crate) const fn unrecorded(context: Context) -> Self {
        Self { context, is_recorded: false }
    }

    pub(crate) const fn recorded(context: Context) -> Self {
        Self { context, is_recorded: true }
    }
}

/// A tracer and what is known of its provider.
pub(crate) struct Starter<T> {
    pub(crate) tracer: T,
    pub(crate) foresight: Foresight,
}

impl<T> StartSpan for Starter<T>
where
    T: Tracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn fate(&self, parent: Option<ParentSampling>) -> Fate<'_> {
        self.foresight.fate(parent)
    }

    fn start(&self, start: Start<'_>, parent: &Context) -> Started {
        match self.fate(ParentSampling::of(parent)) {
            // Where telemetry is suppressed the SDK makes no span at all.
            _ if parent.is_telemetry_suppressed() => self.start_blank(start, parent),
            Fate::Identity(trace_id, span_id) => {
                Started::unrecorded(non_recording_child(parent, trace_id, span_id))
            }
            Fate::Absent => Started::unrecorded(parent.clone()),
            Fate::Unrecorded => self.start_blank(start, parent),
            Fate::Open => self.start_described(start, parent),
            Fate::Lean(lean, trace_id, span_id) => {
                let (identity, caller) = sampled_child(parent, trace_id, span_id);
                Started::recorded(lean.start(start, parent, identity, caller))
            }
        }
    }
}

impl<T> Starter<T>
where
    T: Tracer,
    T::Span: Send + Sync + 'static,
{
    fn start_described(&self, start: Start<'_>, parent: &Context) -> Started {
        let Start { kind, clock, link, description } = start;
        let start_time = Some(clock.start_time());
        let mut attributes = Vec::with_capacity(CAPACITY);
        let name = description.sampling_attributes(&mut attributes);
        let builder = SpanBuilder {
            name,
            start_time,
            attributes: Some(attributes),
            ..undescribed(kind, link)
        };
        let mut span = self.tracer.build_with_context(builder, parent);
        if !span.is_recording() {
            return Started::unrecorded(propagated(span.span_context(), parent));
        }
        let mut attributes = Vec::new();
        description.recorded_attributes(&mut attributes);
        span.set_attributes(attributes);
        Started::recorded(parent.with_span(span))
    }

    /// Starts a span that is described only if it is recorded against expectation.
    #[inline(never)]
    fn start_blank(&self, start: Start<'_>, parent: &Context) -> Started {
        let Start { kind, clock, link, description } = start;
        let mut span = self.tracer.build_with_context(undescribed(kind, link), parent);
        if !span.is_recording() {
            return Started::unrecorded(propagated(span.span_context(), parent));
        }
        clock.start_time();
        let mut attributes = Vec::new();
        span.update_name(description.sampling_attributes(&mut attributes));
        description.recorded_attributes(&mut attributes);
        span.set_attributes(attributes);
        Started::recorded(parent.with_span(span))
    }
}

fn undescribed(kind: SpanKind, link: Option<Box<SpanContext>>) -> SpanBuilder {
    SpanBuilder {
        span_kind: Some(kind),
        links: link.map(|link| vec![Link::with_context(*link)]),
        ..SpanBuilder::default()
    }
}

/// Of a span that is not recorded only the identity matters, and that needs no lock. A provider that was shut down does
/// not even give it one: the caller's context flows through.
fn propagated(identity: &SpanContext, parent: &Context) -> Context {
    if identity.is_valid() {
        parent.with_remote_span_context(identity.clone())
    } else {
        parent.clone()
    }
}
