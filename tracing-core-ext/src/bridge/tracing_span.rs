//! The `tracing` span that stands beside the OpenTelemetry span, so that log lines and `Span::current()` see the
//! request.

use opentelemetry::{Context, ContextGuard, trace::TraceContextExt};
use tracing::{Span, field, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::layer::{self, TARGET};
use crate::{
    exchange::start::{Start, Started},
    http::{RequestHead, method::Method},
    semconv::{names, options::AttributeOptions},
};

/// The `tracing` span of a server span, none where no subscriber wants it.
///
/// A disabled span is not none: with the `log` feature of `tracing`, which actix-web turns on, it is logged on every
/// entry.
#[inline(always)]
pub(crate) fn span(head: &impl RequestHead, attribute_options: &AttributeOptions) -> Span {
    if LevelFilter::current() < LevelFilter::INFO {
        return Span::none();
    }
    let path = attribute_options.truncated(head.path());
    tracing::info_span!(
        target: TARGET,
        "request",
        otel.kind = field::Empty,
        otel.name = field::Empty,
        { names::HTTP_REQUEST_METHOD } = Method::of(head.method()).as_attribute(),
        { names::URL_PATH } = (!path.is_empty()).then_some(path),
    )
}

/// The `tracing` span of a connection's span: below no other, as the request is over long before.
pub(crate) fn websocket_span(route: &str, attribute_options: &AttributeOptions) -> Span {
    if LevelFilter::current() < LevelFilter::INFO {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        parent: None,
        "websocket",
        otel.name = field::Empty,
        { names::HTTP_ROUTE } = attribute_options.truncated(route),
    )
}

/// Runs `f` with `tracing_span` and `context` current.
#[inline(always)]
pub(crate) fn in_scope<R>(tracing_span: &Span, context: &Context, f: impl FnOnce() -> R) -> R {
    let _scope = enter(tracing_span, context);
    f()
}

/// The time in which a span and a context are current.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    /// Above what a plain layer attaches for the `tracing` span, which may be a span of no use.
    _attached: ContextGuard,
    _entered: tracing::span::Entered<'a>,
}

/// Makes `tracing_span` and `context` current.
#[inline(always)]
pub(crate) fn enter<'a>(tracing_span: &'a Span, context: &Context) -> Entered<'a> {
    let _entered = layer::enter(tracing_span);
    Entered { _attached: context.clone().attach(), _entered }
}

/// Whether a plain `tracing_opentelemetry::layer()` may have captured `span`.
#[inline(always)]
pub(crate) fn may_be_exported_by_other_layer(span: &Span) -> bool {
    !span.is_disabled() && !layer::has_context_layer(span)
}

/// Where a plain `tracing_opentelemetry::layer()` has captured `span`, that span is the exchange's: it gets what the
/// native one would have got, and its context is returned. Elsewhere nothing happens.
#[inline(never)]
pub(crate) fn reuse_layer_span(
    span: &Span,
    start: &mut Start<'_>,
    parent: &Context,
) -> Option<Started> {
    start.clock.start();
    let captured = reuse_enabled_span(span, start, parent)?;
    start.clock.start_time();
    Some(captured)
}

fn reuse_enabled_span(span: &Span, start: &Start<'_>, parent: &Context) -> Option<Started> {
    let description = start.description;
    if span.set_parent(parent.clone()).is_err() {
        return None;
    }
    if let Some(link) = &start.link {
        span.add_link((**link).clone());
    }
    // A WebSocket's has no such field, and is internal.
    span.record("otel.kind", "server");
    let mut attributes = Vec::new();
    let name = description.sampling_attributes(&mut attributes);
    for attribute in attributes.drain(..) {
        // Of a field the layer has made an attribute already; recorded twice it would stand there twice.
        if !span.has_field(attribute.key.as_str()) {
            span.set_attribute(attribute.key, attribute.value);
        }
    }
    span.record("otel.name", &*name);
    let context = Some(span.context()).filter(|context| is_new(context, parent))?;
    description.recorded_attributes(&mut attributes);
    context.span().set_attributes(attributes);
    let is_recorded = context.span().is_recording();
    Some(Started { context, is_recorded })
}

/// A layer whose tracer is no SDK, or one that was shut down, answers with the parent or with nothing.
fn is_new(context: &Context, parent: &Context) -> bool {
    let (span, parent) = (context.span(), parent.span());
    let identity = span.span_context();
    identity.is_valid() && identity.span_id() != parent.span_context().span_id()
}
