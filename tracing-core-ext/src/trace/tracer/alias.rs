//! The OpenTelemetry span of an exchange's `tracing` span.
//!
//! `tracing_opentelemetry` requests a span from its tracer when the context of a `tracing` span is first needed. The
//! `tracing` span of an exchange is created while the exchange's context is current, so that context is the parent that
//! the layer passes. The tracer returns a handle to that parent instead of a new span.

use std::{borrow::Cow, fmt, slice, time::SystemTime};

use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanBuilder, SpanContext, Status, TraceContextExt, Tracer},
};

use crate::{base::integer_fields, semconv::names, trace::span::Span};

/// Names of `tracing` spans. They are recognised by their address, so no other span can have one of them. The address
/// of a literal is not unique, but that of a static array is.
static NAMES: [u8; 16] = *b"requestwebsocket";

/// Name of the `tracing` span of a request.
pub(crate) static REQUEST: &str = text(NAMES.split_at(7).0);
/// Name of the `tracing` span of a WebSocket connection.
pub(crate) static WEBSOCKET: &str = text(NAMES.split_at(7).1);

const fn text(name: &'static [u8]) -> &'static str {
    match std::str::from_utf8(name) {
        Ok(name) => name,
        Err(_) => panic!("the names are ASCII"),
    }
}

/// Whether a span of this name is the `tracing` span of an exchange.
#[inline]
pub(crate) fn is_exchange_span(name: &str) -> bool {
    std::ptr::eq(name.as_ptr(), REQUEST.as_ptr()) || std::ptr::eq(name.as_ptr(), WEBSOCKET.as_ptr())
}

/// Returns a handle to the span in `context`. Attributes, events and links that users added before are copied.
pub(crate) fn span(builder: SpanBuilder, context: &Context) -> Span {
    if !context.has_active_span() {
        return Span::non_recording(SpanContext::NONE);
    }
    let mut alias = Span::alias(context);
    let mut attributes = builder.attributes.unwrap_or_default();
    attributes.drain(own_attributes(&attributes)..).for_each(|it| alias.set_attribute(it));
    for link in builder.links.into_iter().flatten() {
        alias.add_link(link.span_context, link.attributes);
    }
    for event in builder.events.into_iter().flatten() {
        alias.add_event_with_timestamp(event.name, event.timestamp, event.attributes);
    }
    alias
}

/// Returns the number of attributes that the layer and the fields of the `tracing` span add. They come first, and the
/// exchange's span does not need them.
fn own_attributes(attributes: &[KeyValue]) -> usize {
    let position = |key| attributes.iter().position(|it| it.key.as_str() == key);
    let last = position(names::URL_PATH)
        .or_else(|| position(names::HTTP_REQUEST_METHOD))
        .or_else(|| position(names::HTTP_ROUTE));
    last.map_or(0, |last| last + 1)
}

/// Tracer for a `tracing` layer. The `tracing` span of an exchange gets the OpenTelemetry span of the exchange, every
/// other span is one of `inner`.
pub(crate) struct ExchangeTracer<T> {
    inner: T,
}

/// Span of another tracer, or the handle of an exchange's span.
#[derive(Debug)]
pub(crate) enum ExchangeSpan<S> {
    Inner(S),
    Alias(Span),
}

impl<T> ExchangeTracer<T> {
    pub(crate) const fn new(inner: T) -> Self {
        Self { inner }
    }
}

impl<T: Tracer> Tracer for ExchangeTracer<T> {
    type Span = ExchangeSpan<T::Span>;

    fn span_builder<N>(&self, name: N) -> SpanBuilder
    where
        N: Into<Cow<'static, str>>,
    {
        SpanBuilder { attributes: integer_fields::marked(), ..SpanBuilder::from_name(name) }
    }

    fn build_with_context(&self, mut builder: SpanBuilder, parent_cx: &Context) -> Self::Span {
        if let Some(attributes) = &mut builder.attributes {
            integer_fields::replace_marked(attributes);
        }
        if is_exchange_span(&builder.name) {
            return ExchangeSpan::Alias(span(builder, parent_cx));
        }
        ExchangeSpan::Inner(self.inner.build_with_context(builder, parent_cx))
    }
}

impl<T> fmt::Debug for ExchangeTracer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeTracer").finish_non_exhaustive()
    }
}

/// Calls the same method of either span.
macro_rules! forward {
    ($self:ident.$method:ident($($argument:ident),*)) => {
        match $self {
            ExchangeSpan::Inner(span) => span.$method($($argument),*),
            ExchangeSpan::Alias(span) => span.$method($($argument),*),
        }
    };
}

impl<S: opentelemetry::trace::Span> opentelemetry::trace::Span for ExchangeSpan<S> {
    fn add_event_with_timestamp<T>(
        &mut self,
        name: T,
        time: SystemTime,
        mut attributes: Vec<KeyValue>,
    ) where
        T: Into<Cow<'static, str>>,
    {
        integer_fields::replace_noted(&mut attributes);
        forward!(self.add_event_with_timestamp(name, time, attributes));
    }

    fn span_context(&self) -> &SpanContext {
        forward!(self.span_context())
    }

    fn is_recording(&self) -> bool {
        forward!(self.is_recording())
    }

    fn set_attribute(&mut self, mut attribute: KeyValue) {
        integer_fields::replace_noted(slice::from_mut(&mut attribute));
        forward!(self.set_attribute(attribute));
    }

    fn set_status(&mut self, status: Status) {
        forward!(self.set_status(status));
    }

    fn update_name<T>(&mut self, name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        forward!(self.update_name(name));
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        forward!(self.add_link(span_context, attributes));
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        forward!(self.end_with_timestamp(timestamp));
    }
}
