//! The start of an exchange's span, with a tracer of any type.

use std::{any::Any, sync::Arc};

use opentelemetry::{
    Context, InstrumentationScope, TraceFlags,
    trace::{
        self, Link, Span as _, SpanBuilder, SpanContext, SpanKind, TraceContextExt, TraceState,
    },
};

use super::{parent::ParentSource, provider::TracerProvider, timer::Timer, tracer::Tracer};
use crate::{
    base::{contain, setup_fault::SetupFault},
    semconv::{Facts, SpanAttributes},
};

/// A span that is about to start.
pub(crate) struct SpanStart<'a> {
    pub(crate) kind: SpanKind,
    pub(crate) timer: &'a mut Timer,
    pub(crate) link: Option<Box<SpanContext>>,
    pub(crate) attributes: &'a dyn SpanAttributes,
}

/// A span that has started.
pub(crate) struct StartedSpan {
    /// The parent's context with the span in it.
    pub(crate) context: Context,
    pub(crate) is_recorded: bool,
}

/// A tracer, resolved when a middleware is built.
#[derive(Clone)]
pub(crate) enum AnyTracer {
    /// The tracer of this crate.
    Own(Tracer),
    /// A tracer of another provider, used through OpenTelemetry's API only.
    Foreign(Arc<dyn ErasedTracer>),
    /// A tracer that returns the parent's span, as OpenTelemetry's API does without an SDK.
    Noop,
}

/// A tracer of any type.
pub(crate) trait ErasedTracer: Send + Sync {
    /// Starts a span below `parent`.
    fn start(&self, parent: &Context, start: SpanStart<'_>) -> StartedSpan;
}

impl StartedSpan {
    pub(crate) const fn non_recording(context: Context) -> Self {
        Self { context, is_recorded: false }
    }

    pub(crate) const fn recording(context: Context) -> Self {
        Self { context, is_recorded: true }
    }
}

impl AnyTracer {
    /// A tracer of `provider`. The provider of this crate is recognised by its type.
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

    /// Whether every span is the parent's.
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

/// Returns a link to `span`. It is boxed because few spans have one.
pub(crate) fn boxed_link(span: &SpanContext) -> Option<Box<SpanContext>> {
    span.is_valid().then(|| Box::new(span.clone()))
}

/// Whether a tracer returns the parent's span. Only its behaviour is tested.
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

/// The context of a span that is not recorded. A provider that was shut down gives it no identity; the parent's context
/// is propagated then.
pub(super) fn non_recording_context(identity: &SpanContext, parent: &Context) -> Context {
    if identity.is_valid() {
        parent.with_remote_span_context(identity.clone())
    } else {
        if !parent.is_telemetry_suppressed() {
            SetupFault::ShutDown.warn();
        }
        parent.clone()
    }
}
