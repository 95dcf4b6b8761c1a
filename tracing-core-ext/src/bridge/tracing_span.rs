//! The `tracing` span of an exchange, so that log lines and `Span::current()` refer to the request.

use std::sync::Arc;

use opentelemetry::{Context, ContextGuard, trace::TraceContextExt};
use tracing::{Span, field, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{
    deferred_scopes::DeferredScope,
    layer,
    request_span::{self, DeferredSpan},
    request_subscriber,
    span_filter::TARGET,
};
use crate::{
    http::{RequestHead, method::Method},
    semconv::{Facts, names, options::AttributeOptions},
    trace::{AnyTracer, ParentSource, SpanStart, StartedSpan, WEBSOCKET},
};

/// The `tracing` span of an exchange.
#[derive(Debug)]
pub(crate) enum TracingSpan {
    Created(Span),
    /// Span that is created when it is first used.
    Deferred(Arc<DeferredSpan>),
}

impl TracingSpan {
    pub(crate) const fn none() -> Self {
        Self::Created(Span::none())
    }
}

impl Drop for TracingSpan {
    #[inline]
    fn drop(&mut self) {
        if let Self::Deferred(span) = self {
            DeferredSpan::recycle(span);
        }
    }
}

/// Starts the span of a request. Returns its `tracing` span as well.
#[inline(always)]
pub(crate) fn start_request(
    tracer: &AnyTracer,
    parent: impl ParentSource,
    start_at: SpanStart<'_>,
    head: &impl RequestHead,
    options: &AttributeOptions,
) -> (StartedSpan, TracingSpan) {
    let fields = || (Method::of(head.method()).as_attribute(), options.truncated(head.path()));
    let create = || {
        let (method, path) = fields();
        request_span::create(method, path)
    };
    let defer = |context: &Context| {
        let (method, path) = fields();
        DeferredSpan::new(context, method, path)
    };
    start(tracer, parent, start_at, create, defer)
}

/// Starts the span of a WebSocket connection. Returns its `tracing` span as well.
pub(crate) fn start_websocket(
    tracer: &AnyTracer,
    parent: &Context,
    start_at: SpanStart<'_>,
    route: &str,
    options: &AttributeOptions,
) -> (StartedSpan, TracingSpan) {
    start(tracer, parent, start_at, || websocket(route, options), |_| None)
}

/// Creates the `tracing` span of a WebSocket connection. It has no parent, because the request ends long before it.
fn websocket(route: &str, options: &AttributeOptions) -> Span {
    tracing::info_span!(
        target: TARGET,
        WEBSOCKET,
        otel.name = field::Empty,
        { names::HTTP_ROUTE } = options.truncated(route),
    )
}

/// Starts the span of an exchange, and the `tracing` span that represents it.
///
/// The `tracing` span is created while the new context is current: a layer with an [`ExchangeTracer`] then uses the
/// exchange's span for it. If no subscriber is interested there is no `tracing` span. A disabled one would be logged on
/// every entry if the feature `log` of `tracing` is on, as it is with actix-web.
///
/// [`ExchangeTracer`]: crate::trace::ExchangeTracer
#[inline(always)]
fn start(
    tracer: &AnyTracer,
    parent: impl ParentSource,
    start: SpanStart<'_>,
    create: impl Fn() -> Span,
    defer: impl FnOnce(&Context) -> Option<Arc<DeferredSpan>>,
) -> (StartedSpan, TracingSpan) {
    if LevelFilter::current() < LevelFilter::INFO {
        return (tracer.start(parent, start), TracingSpan::none());
    }
    if !tracer.is_own() && !request_subscriber::is_current() && !layer::is_current() {
        layer::warn_if_hidden();
        let (started, span) = start_in_plain_layer(tracer, &parent.into_context(), start, &create);
        return (started, TracingSpan::Created(span));
    }
    let started = tracer.start(parent, start);
    let tracing_span = match defer(&started.context) {
        Some(deferred) => TracingSpan::Deferred(deferred),
        None => TracingSpan::Created(in_context(&started.context, create)),
    };
    (started, tracing_span)
}

fn in_context<R>(context: &Context, f: impl FnOnce() -> R) -> R {
    let _attached = context.clone().attach();
    f()
}

/// Starts a span with a tracer of another provider under a subscriber that may have a plain
/// `tracing_opentelemetry::layer()`. If it has one, the span of that layer becomes the span of the exchange.
#[inline(never)]
fn start_in_plain_layer(
    tracer: &AnyTracer,
    parent: &Context,
    mut start: SpanStart<'_>,
    create: &dyn Fn() -> Span,
) -> (StartedSpan, Span) {
    // If the layer cannot be reached, it exports nothing for a span that starts in a suppressed context.
    let tracing_span = in_context(&Context::current().with_telemetry_suppressed(), create);
    if let Some(started) = reuse_layer_span(&tracing_span, &mut start, parent) {
        return (started, tracing_span);
    }
    drop(tracing_span);
    let started = tracer.start(parent, start);
    let tracing_span = in_context(&started.context, create);
    (started, tracing_span)
}

/// Makes the OpenTelemetry span of `span` the span of the exchange. Returns `None` if `span` has no OpenTelemetry span.
fn reuse_layer_span(
    span: &Span,
    start: &mut SpanStart<'_>,
    parent: &Context,
) -> Option<StartedSpan> {
    start.timer.start();
    span.set_parent(parent.clone()).ok()?;
    if let Some(link) = &start.link {
        span.add_link((**link).clone());
    }
    // The span of a WebSocket has no such field, because its kind is internal.
    span.record("otel.kind", "server");
    let mut facts = Facts::default();
    let name = start.attributes.describe_irrevocably(&mut facts);
    for attribute in facts.take_attributes() {
        // The layer has already recorded the fields as attributes.
        if !span.has_field(attribute.key.as_str()) {
            span.set_attribute(attribute.key, attribute.value);
        }
    }
    span.record("otel.name", &*name);
    let context = Some(span.context()).filter(|context| is_new(context, parent))?;
    start.timer.start_time();
    let is_recorded = context.span().is_recording();
    Some(StartedSpan { context, is_recorded, held: None })
}

/// Whether the span of `context` is a new one. A layer without an SDK, or with one that was shut down, returns the
/// parent.
fn is_new(context: &Context, parent: &Context) -> bool {
    let (span, parent) = (context.span(), parent.span());
    let identity = span.span_context();
    identity.is_valid() && identity.span_id() != parent.span_context().span_id()
}

/// Runs `f` with `tracing_span` and `context` current.
#[inline(always)]
pub(crate) fn in_scope<R>(
    tracing_span: &TracingSpan,
    context: &Context,
    f: impl FnOnce() -> R,
) -> R {
    let _scope = enter(tracing_span, context);
    f()
}

/// Guard that keeps a span and a context current.
#[derive(Debug)]
#[must_use = "the span is current until this is dropped"]
pub(crate) struct Entered<'a> {
    /// Attached after the span is entered, so that it overrides the context that a layer attaches.
    _attached: ContextGuard,
    _entered: EnteredSpan<'a>,
}

#[derive(Debug)]
enum EnteredSpan<'a> {
    Created { _entered: tracing::span::Entered<'a> },
    Deferred { _scope: DeferredScope<'a, DeferredSpan> },
}

/// Makes `tracing_span` and `context` current.
#[inline(always)]
pub(crate) fn enter<'a>(tracing_span: &'a TracingSpan, context: &Context) -> Entered<'a> {
    let _entered = match tracing_span {
        TracingSpan::Created(span) => EnteredSpan::Created { _entered: span.enter() },
        TracingSpan::Deferred(span) => EnteredSpan::Deferred { _scope: DeferredScope::new(span) },
    };
    Entered { _attached: context.clone().attach(), _entered }
}
