//! The start of an exchange's span.

use std::sync::Arc;

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanKind, TraceContextExt},
};

use crate::trace::{retention::held_trace::HeldTrace, timer::Timer};
use crate::{base::setup_fault::SetupFault, semconv::SpanAttributes};

/// Description of a span that is about to start.
pub(crate) struct SpanStart<'a> {
    pub(crate) kind: SpanKind,
    pub(crate) timer: &'a mut Timer,
    pub(crate) link: Option<Box<SpanContext>>,
    pub(crate) attributes: &'a dyn SpanAttributes,
}

/// Result of the start of a span.
pub(crate) struct StartedSpan {
    /// Context of the parent that also holds the span.
    pub(crate) context: Context,
    pub(crate) is_recorded: bool,
    /// Trace that waits for a decision.
    pub(crate) held: Option<Arc<HeldTrace>>,
}

impl StartedSpan {
    pub(crate) const fn non_recording(context: Context) -> Self {
        Self { context, is_recorded: false, held: None }
    }

    pub(crate) const fn recording(context: Context) -> Self {
        Self { context, is_recorded: true, held: None }
    }
}

/// Returns a link to `span`. It is boxed because few spans have one.
pub(crate) fn boxed_link(span: &SpanContext) -> Option<Box<SpanContext>> {
    span.is_valid().then(|| Box::new(span.clone()))
}

/// Returns the context of a span that is not recorded. A provider that was shut down gives it no identity; then the
/// parent's context is propagated.
pub(crate) fn non_recording_context(identity: &SpanContext, parent: &Context) -> Context {
    if identity.is_valid() {
        parent.with_remote_span_context(identity.clone())
    } else {
        if !parent.is_telemetry_suppressed() {
            SetupFault::ShutDown.warn();
        }
        parent.clone()
    }
}
