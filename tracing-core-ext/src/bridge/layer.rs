use std::cell::{Cell, RefCell};

use opentelemetry::{Context, ContextGuard, trace::Tracer};
use tracing::{
    Dispatch, Metadata, Span, Subscriber,
    span::{Attributes, Entered, Id},
};
use tracing_subscriber::{Layer, filter::FilterFn, layer, registry::LookupSpan};

/// Target of the `tracing` span that stands beside a server span, for filters.
pub const TARGET: &str = "tracing_core_ext::exchange";

thread_local! {
    /// Companions that are entered, with what was attached for them.
    static GUARDS: RefCell<Vec<(Id, Option<ContextGuard>)>> = const { RefCell::new(Vec::new()) };
    /// The context of the `tracing` span that is about to be entered needs no attaching.
    static SKIP_NEXT_ATTACH: Cell<bool> = const { Cell::new(false) };
}

/// The `tracing` side of the exchange: exports users' spans through `tracer`, below the exchange's own span.
///
/// It is [`tracing_opentelemetry::layer()`] with what costs time turned off (source location, thread, target and busy
/// time of every span), which leaves out the spans of this crate, exported natively already. A task that carries
/// [`tracing::Span::current()`] away, with `in_current_span()` say, stays in the trace of the request.
///
/// A subscriber with a plain `tracing_opentelemetry::layer()` works as well and exports the same spans; this one is
/// faster. A `tracing` event outside of any span of yours becomes a log line alone here, where the plain layer also adds
/// it to the server span.
///
/// ```
/// use opentelemetry::trace::TracerProvider;
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let provider = SdkTracerProvider::builder().build();
/// let subscriber = tracing_subscriber::registry()
///     .with(tracing_core_ext::exchange::layer(provider.tracer("checkout")));
/// # drop(subscriber);
/// ```
pub fn layer<S, T>(tracer: T) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(FilterFn::new(is_user_span as fn(&Metadata<'_>) -> bool))
        .and_then(ContextLayer { bind: set_context_in::<S> })
}

fn is_user_span(metadata: &Metadata<'_>) -> bool {
    metadata.target() != TARGET
}

/// Whether the subscriber of `span` leaves the spans of this crate to the native tracer.
pub(crate) fn has_context_layer(span: &Span) -> bool {
    span.with_subscriber(|(_, dispatch)| dispatch.is::<ContextLayer>()).unwrap_or(false)
}

/// Lets whoever enters `span` be in `context`, where the subscriber can do that.
pub(crate) fn set_context(span: &Span, context: &Context) {
    span.with_subscriber(|(id, dispatch)| {
        let layer = dispatch.downcast_ref::<ContextLayer>()?;
        (layer.bind)(dispatch, id, context.clone())
    });
}

/// Enters `tracing_span`, whose context the caller attaches: the layer need not look for it.
#[inline(always)]
pub(crate) fn enter(tracing_span: &Span) -> Entered<'_> {
    SKIP_NEXT_ATTACH.set(true);
    let entered = tracing_span.enter();
    SKIP_NEXT_ATTACH.set(false);
    entered
}

/// Attaches the OpenTelemetry context of an exchange wherever others enter its `tracing` span.
struct ContextLayer {
    /// Remembers the subscriber's type, as the caller of `bind` cannot know it.
    bind: fn(&Dispatch, &Id, Context) -> Option<()>,
}

/// In the extensions of a `tracing` span this layer is enabled for.
#[derive(Default)]
struct SpanContextSlot(Context);

fn set_context_in<S>(dispatch: &Dispatch, id: &Id, context: Context) -> Option<()>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let span = dispatch.downcast_ref::<S>()?.span(id)?;
    span.extensions_mut().get_mut::<SpanContextSlot>()?.0 = context;
    Some(())
}

impl<S> Layer<S> for ContextLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, subscriber: layer::Context<'_, S>) {
        if attributes.metadata().target() == TARGET
            && let Some(span) = subscriber.span(id)
        {
            span.extensions_mut().insert(SpanContextSlot::default());
        }
    }

    fn on_enter(&self, id: &Id, subscriber: layer::Context<'_, S>) {
        if SKIP_NEXT_ATTACH.take() {
            return push_guard(id, None);
        }
        let Some(span) = subscriber.span(id) else { return };
        let context = span.extensions().get::<SpanContextSlot>().map(|bound| bound.0.clone());
        if let Some(context) = context {
            push_guard(id, Some(context.attach()));
        }
    }

    fn on_exit(&self, id: &Id, _: layer::Context<'_, S>) {
        let guard = GUARDS.with_borrow_mut(|all| {
            let last = all.iter().rposition(|(entered, _)| entered == id)?;
            Some(all.remove(last))
        });
        drop(guard);
    }
}

fn push_guard(id: &Id, guard: Option<ContextGuard>) {
    GUARDS.with_borrow_mut(|all| all.push((id.clone(), guard)));
}
