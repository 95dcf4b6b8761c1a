//! The OpenTelemetry span to which a log line belongs.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use opentelemetry::Context;
use tracing::{
    Dispatch, Event, Subscriber,
    dispatcher::{self, WeakDispatch},
    span::Id,
    subscriber::NoSubscriber,
};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Subscriber to which a format belongs. A format has no other access to it.
///
/// The reference is weak, because the subscriber owns the format. A clone may become part of another subscriber, so it
/// starts empty.
#[derive(Default)]
pub(crate) struct LineDispatch(Arc<OnceLock<WeakDispatch>>);

impl LineDispatch {
    /// Returns another handle to the same value.
    pub(crate) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    pub(crate) fn set(&self, dispatch: &Dispatch) {
        let _ = self.0.set(dispatch.downgrade());
    }

    /// Returns the subscriber. While a line is written, the default subscriber is only accessible if it is the global
    /// one and no thread has a default of its own. It is stored for the lines that are written while a thread has one.
    fn get(&self) -> Option<Dispatch> {
        if self.0.get().is_none() {
            dispatcher::get_default(|dispatch| {
                if !dispatch.is::<NoSubscriber>() {
                    self.set(dispatch);
                }
            });
        }
        self.0.get()?.upgrade()
    }
}

impl Clone for LineDispatch {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for LineDispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LineDispatch(..)")
    }
}

/// Access to the spans of a subscriber through the context of a layer or of a format.
pub(crate) struct SpanLookup<E, L> {
    /// Returns whether the subscriber has a span.
    pub(crate) exists: E,
    /// Returns a span that the filter of the layer has selected.
    pub(crate) span: L,
}

/// Calls `f` with the context of the span to which `event` belongs: its explicit parent, or else the current span.
///
/// The current span is the one of the current context, because a layer attaches the context of each span that is
/// entered. It is not looked up by the ID of the `tracing` span, because the layer may hold a lock on that span while a
/// sampler logs.
pub(crate) fn with_context_of<'a, S, R>(
    event: &Event<'_>,
    current: Option<&Id>,
    lookup: SpanLookup<impl FnOnce(&Id) -> bool, impl FnOnce(&Id) -> Option<SpanRef<'a, S>>>,
    dispatch: &LineDispatch,
    f: impl FnOnce(Option<&Context>) -> R,
) -> R
where
    S: Subscriber + for<'b> LookupSpan<'b> + 'a,
{
    match event.parent() {
        Some(parent) if current != Some(parent) => {
            f(explicit_parent(parent, lookup, dispatch).as_ref())
        }
        None if event.is_root() => f(None),
        _ => Context::map_current(|current| f(Some(current))),
    }
}

/// Returns the context of the span `id`, or of the closest span around it that has one.
fn explicit_parent<'a, S>(
    id: &Id,
    lookup: SpanLookup<impl FnOnce(&Id) -> bool, impl FnOnce(&Id) -> Option<SpanRef<'a, S>>>,
    dispatch: &LineDispatch,
) -> Option<Context>
where
    S: Subscriber + for<'b> LookupSpan<'b> + 'a,
{
    // The span may belong to another subscriber.
    if !(lookup.exists)(id) {
        return None;
    }
    let dispatch = dispatch.get()?;
    let mut around = (lookup.span)(id).into_iter().flat_map(|span| span.scope().skip(1));
    get_otel_context(id, &dispatch)
        .or_else(|| around.find_map(|span| get_otel_context(&span.id(), &dispatch)))
}
