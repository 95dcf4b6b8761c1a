use opentelemetry::{
    Context,
    trace::{Span, SpanBuilder, SpanContext, TraceContextExt, TraceFlags, Tracer},
};

/// A tracer of any type, resolved when a layer is built.
pub(crate) trait StartSpan: Send + Sync {
    /// Starts a span below `parent` and answers `parent` with the span in it.
    fn start(&self, builder: SpanBuilder, parent: &Context) -> Context;
}

impl<T> StartSpan for T
where
    T: Tracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn start(&self, builder: SpanBuilder, parent: &Context) -> Context {
        let span = self.build_with_context(builder, parent);
        if span.is_recording() {
            return parent.with_span(span);
        }
        parent.with_remote_span_context(not_recorded(span.span_context(), parent))
    }
}

/// Identity of a span that is only propagated.
///
/// The SDK drops the random flag of a trace whose span it does not record, though Trace Context Level 2, section
/// 3.2.2.5, has it propagated with the trace id it describes.
fn not_recorded(span: &SpanContext, parent: &Context) -> SpanContext {
    let parent = parent.span();
    let parent = parent.span_context();
    let inherited = if parent.trace_id() == span.trace_id() {
        parent.trace_flags()
    } else {
        TraceFlags::default()
    };
    SpanContext::new(
        span.trace_id(),
        span.span_id(),
        span.trace_flags() | (inherited & !TraceFlags::SAMPLED),
        false,
        span.trace_state().clone(),
    )
}
