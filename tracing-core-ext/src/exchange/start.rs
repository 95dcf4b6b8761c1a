use std::borrow::Cow;

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, Span, SpanBuilder, SpanContext, SpanKind, TraceContextExt, Tracer},
};

use super::{clock::Clock, sampler::Sampler};
use crate::http::Describe;

/// Room for every attribute of a span, those of the response too, so that the list never grows.
const CAPACITY: usize = 16;

/// A span that is about to start.
pub(crate) struct Start<'a> {
    pub(crate) kind: SpanKind,
    pub(crate) clock: &'a mut Clock,
    pub(crate) link: Option<Box<SpanContext>>,
    pub(crate) description: &'a dyn Describe,
}

/// A tracer of any type, resolved when a layer is built.
pub(crate) trait StartSpan: Send + Sync {
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

/// A tracer and what is known of its sampler.
pub(crate) struct Starter<T> {
    pub(crate) tracer: T,
    pub(crate) sampler: Sampler,
}

impl<T> StartSpan for Starter<T>
where
    T: Tracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn start(&self, start: Start<'_>, parent: &Context) -> Started {
        let Start { kind, clock, link, description } = start;
        let is_described = self.sampler.may_record(parent);
        let start_time = is_described.then(|| clock.started());
        let (name, attributes) = if is_described { described(description) } else { NOTHING };
        let builder = SpanBuilder {
            span_kind: Some(kind),
            name,
            start_time,
            attributes,
            links: link.map(|link| vec![Link::with_context(*link)]),
            ..SpanBuilder::default()
        };
        let mut span = self.tracer.build_with_context(builder, parent);
        if !span.is_recording() {
            return Started {
                context: propagated(span.span_context(), parent),
                is_recorded: false,
            };
        }
        if !is_described {
            clock.started();
            let name = description.before_sampling(&mut |attribute| span.set_attribute(attribute));
            span.update_name(name);
        }
        description.when_recorded(&mut |attribute| span.set_attribute(attribute));
        Started { context: parent.with_span(span), is_recorded: true }
    }
}

/// A name and attributes.
type Description = (Cow<'static, str>, Option<Vec<KeyValue>>);

const NOTHING: Description = (Cow::Borrowed(""), None);

fn described(description: &dyn Describe) -> Description {
    let mut attributes = Vec::with_capacity(CAPACITY);
    let name = description.before_sampling(&mut |attribute| attributes.push(attribute));
    (name, Some(attributes))
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
