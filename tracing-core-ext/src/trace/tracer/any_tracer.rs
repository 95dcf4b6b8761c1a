//! Tracers of any provider.

use std::{any::Any, sync::Arc};

use opentelemetry::{
    Context, InstrumentationScope, TraceFlags,
    trace::{self, Link, Span as _, SpanBuilder, SpanContext, TraceContextExt, TraceState},
};

use super::{
    Tracer,
    start::{SpanStart, StartedSpan, non_recording_context},
};
use crate::trace::{parent::ParentSource, provider::TracerProvider};
use crate::{
    base::{contain, setup_fault::SetupFault},
    semconv::Facts,
};

/// Tracer that is resolved when a middleware is built.
#[derive(Clone)]
pub(crate) enum AnyTracer {
    /// Tracer of this crate.
    Own(Tracer),
    /// Tracer of another provider, used through OpenTelemetry's API only.
    Foreign(Arc<dyn ErasedTracer>),
    /// Tracer that returns the parent's span, as OpenTelemetry's API does without an SDK.
    Noop,
}

/// Tracer of any type.
pub(crate) trait ErasedTracer: Send + Sync {
    /// Starts a span below `parent`.
    fn start(&self, parent: &Context, start: SpanStart<'_>) -> StartedSpan;
}

impl AnyTracer {
    /// Returns a tracer of `provider`. The provider of this crate is recognised by its type.
    pub(crate) fn from_provider<P>(provider: &P, scope: &InstrumentationScope) -> Self
    where
        P: trace::TracerProvider + 'static,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as trace::Tracer>::Span: Send + Sync + 'static,
    {
        match (provider as &dyn Any).downcast_ref::<TracerProvider>() {
            Some(own) => Self::Own(own.tracer_with_scope(scope.clone())),
            None => Self::foreign(provider.tracer_with_scope(scope.clone())),
        }
    }

    /// Uses a tracer of another provider.
    pub(crate) fn foreign<T>(tracer: T) -> Self
    where
        T: trace::Tracer + Send + Sync + 'static,
        T::Span: Send + Sync + 'static,
    {
        if is_noop(&tracer) { Self::Noop } else { Self::Foreign(Arc::new(Foreign(tracer))) }
    }

    /// Whether this is the tracer of this crate.
    pub(crate) const fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// Whether every span that it returns is the parent's.
    pub(crate) const fn is_noop(&self) -> bool {
        matches!(self, Self::Noop)
    }

    /// Logs a warning if the tracer is known to record nothing.
    pub(crate) fn warn_if_idle(&self) {
        match self {
            Self::Own(tracer) => tracer.warn_if_shut_down(),
            Self::Foreign(_) => {}
            Self::Noop => SetupFault::NoProvider.warn(),
        }
    }

    /// Starts a span below `parent`.
    #[inline(always)]
    pub(crate) fn start(&self, parent: impl ParentSource, start: SpanStart<'_>) -> StartedSpan {
        match self {
            Self::Own(tracer) => tracer.start_exchange(parent, start),
            Self::Foreign(tracer) => tracer.start(&parent.into_context(), start),
            Self::Noop => {
                SetupFault::NoProvider.warn();
                StartedSpan::non_recording(parent.into_context())
            }
        }
    }
}

/// Whether a tracer returns the parent's span. The function examines only its behaviour, because its type is unknown.
fn is_noop(tracer: &impl trace::Tracer) -> bool {
    let flags = TraceFlags::NOT_SAMPLED;
    let parent = SpanContext::new(1.into(), 1.into(), flags, true, TraceState::NONE);
    let cx = Context::new().with_remote_span_context(parent.clone()).with_telemetry_suppressed();
    let span = tracer.build_with_context(SpanBuilder::default(), &cx);
    *span.span_context() == parent
}

struct Foreign<T>(T);

impl<T> ErasedTracer for Foreign<T>
where
    T: trace::Tracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn start(&self, parent: &Context, start: SpanStart<'_>) -> StartedSpan {
        let SpanStart { kind, timer, link, attributes } = start;
        let mut facts = Facts::default();
        let name = attributes.describe_irrevocably(&mut facts);
        let builder = SpanBuilder {
            name,
            span_kind: Some(kind),
            start_time: Some(timer.start_time()),
            attributes: Some(facts.take_attributes()),
            links: link.map(|link| vec![Link::with_context(*link)]),
            ..SpanBuilder::default()
        };
        let span = contain("a tracer", || self.0.build_with_context(builder, parent));
        let Some(span) = span else { return StartedSpan::non_recording(parent.clone()) };
        if span.is_recording() {
            return StartedSpan::recording(parent.with_span(span));
        }
        StartedSpan::non_recording(non_recording_context(span.span_context(), parent))
    }
}
