use opentelemetry::{
    Context,
    trace::{Span, SpanBuilder, TraceContextExt, Tracer},
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
            parent.with_span(span)
        } else {
            // Of a span that is not recorded only the identity matters, and that needs no lock.
            parent.with_remote_span_context(span.span_context().clone())
        }
    }
}
