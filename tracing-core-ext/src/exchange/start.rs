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
            return parent.with_span(span);
        }
        // Of a span that is not recorded only the identity matters, and that needs no lock. A provider that was shut
        // down does not even give it one: the caller's context flows through.
        let identity = span.span_context();
        if identity.is_valid() {
            parent.with_remote_span_context(identity.clone())
        } else {
            parent.clone()
        }
    }
}
