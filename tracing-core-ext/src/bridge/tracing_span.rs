//! The `tracing` span that stands beside the OpenTelemetry span, so that log lines and `Span::current()` see the
//! request.

use opentelemetry::{Context, ContextGuard, trace::TraceContextExt};
use tracing::{Span, field, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::layer::{self, TARGET};
use crate::{
    exchange::start::{Start, Started},
    http::{RequestHead, method::Method},
    semconv::{names, options::Detail},
};

/// The companion of a server span, none where no subscriber wants it.
///
/// A disabled span is not none: with the `log` feature of `tracing`, which actix-web turns on, it is logged on every
/// entry.
#[inline(always)]
pub(crate) fn span(head: &impl RequestHead, detail: &Detail) -> Span {
    if LevelFilter::current() < LevelFilter::INFO {
        return Span::none();
    }
    let path = detail.limited_text(head.path());
    tracing::info_span!(
        target: TARGET,
        "request",
        otel.kind = field::Empty,
        otel.name = field::Empty,
        { names::HTTP_REQUEST_METHOD } = Method::of(head.method()).as_attribute(),
        { names::URL_PATH } = (!path.is_empty()).then_some(path),
    )
}

/// The companion of a connection's span: below no other, as the request is over long before.
pub(crate) fn of_websocket(route: &str, detail: &Detail) -> Span {
    if LevelFilter::current() < LevelFilter::INFO {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        parent: None,
        "websocket",
        otel.name = field::Empty,
        { names::HTTP_ROUTE } = detail.limited_text(route),
    )
}

/// Runs `f` with `companion` and `context` current.
#[inline(always)]
pub(crate) fn in_scope<R>(companion: &Span, context: &Context, f: impl FnOnce() -> R) -> R {
    let _scope = enter(companion, context);
    f()
}

/// The time in which a span and a context are current.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    /// Above what a plain layer attaches for the companion, which may be a span of no use.
    _attached: ContextGuard,
    _entered: tracing::span::Entered<'a>,
}

/// Makes `companion` and `context` current.
#[inline(always)]
pub(crate) fn enter<'a>(companion: &'a Span, context: &Context) -> Entered<'a> {
    let _entered = layer::enter(companion);
    Entered { _attached: context.clone().attach(), _entered }
}

/// Whether a plain `tracing_opentelemetry::layer()` may have captured `span`.
#[inline(always)]
pub(crate) fn is_capturable(span: &Span) -> bool {
    !span.is_disabled() && !layer::exports_natively(span)
}

/// Where a plain `tracing_opentelemetry::layer()` has captured `span`, that span is the exchange's: it gets what the
/// native one would have got, and its context is returned. Elsewhere nothing happens.
#[inline(never)]
pub(crate) fn capture(span: &Span, start: &mut Start<'_>, parent: &Context) -> Option<Started> {
    start.clock.begin();
    let captured = capture_enabled(span, start, parent)?;
    start.clock.started();
    Some(captured)
}

fn capture_enabled(span: &Span, start: &Start<'_>, parent: &Context) -> Option<Started> {
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
    let name = description.before_sampling(&mut attributes);
    for attribute in attributes.drain(..) {
        // Of a field the layer has made an attribute already; recorded twice it would stand there twice.
        if !span.has_field(attribute.key.as_str()) {
            span.set_attribute(attribute.key, attribute.value);
        }
    }
    span.record("otel.name", &*name);
    let context = Some(span.context()).filter(|context| is_new(context, parent))?;
    description.when_recorded(&mut attributes);
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
