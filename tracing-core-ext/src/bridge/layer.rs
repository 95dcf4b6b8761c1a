//! The `tracing` layer that exports users' spans below the span of the exchange.

use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::Tracer;
use tracing::{Dispatch, Subscriber, dispatcher};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{Layer, registry::LookupSpan};

use super::span_filter::SpanFilter;
use crate::{base::setup_fault::SetupFault, trace::ExchangeTracer};

/// Exports users' `tracing` spans through `tracer`, below the span of the exchange.
///
/// It is [`tracing_opentelemetry::layer()`] without the data that cost time in every span (source location, thread,
/// target and busy time). The `tracing` span of an exchange is not exported: its OpenTelemetry span is the one that the
/// exchange owns. So [`tracing::Span::current()`] in a handler represents the request in every use: as an explicit
/// parent, on another thread, and with [`OpenTelemetrySpanExt`](tracing_opentelemetry::OpenTelemetrySpanExt).
///
/// Unsigned fields of spans and events (`u64`, `usize`) are integers. The plain layer makes strings of them.
///
/// A `tracing` event outside of any custom span becomes a log line only. The plain layer also adds it to the server
/// span, and sets the status of that span to `Error` if the event is an error.
///
/// Inside of `tracing_subscriber::reload::Layer` everything works but `OpenTelemetrySpanExt`, which does not find the
/// layer there. One warning is logged then. Reload the filter instead:
/// `exchange::layer(tracer).with_filter(reload_layer)`.
///
/// A plain `tracing_opentelemetry::layer()` works as well with a tracer of this crate's
/// [`TracerProvider`](crate::trace::TracerProvider).
///
/// ```
/// use opentelemetry::trace::TracerProvider as _;
/// use tracing_core_ext::trace::TracerProvider;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let provider = TracerProvider::builder().build();
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
    filtered(tracer, SpanFilter::all())
}

/// Returns the layer for the spans that `filter` selects.
pub(crate) fn filtered<S, T>(tracer: T, filter: SpanFilter) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync,
{
    // The filter is around both layers, because a layer without a filter enables every level.
    export_layer(tracer).and_then(ExchangeLayer).with_filter(filter)
}

/// Returns OpenTelemetry's layer without the data that cost time in every span.
pub(super) fn export_layer<S, T>(tracer: T) -> OpenTelemetryLayer<S, ExchangeTracer<T>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(ExchangeTracer::new(tracer))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
}

/// Whether a subscriber has the layer and does not expose it.
static IS_HIDDEN: AtomicBool = AtomicBool::new(false);

/// Marker layer, by which [`is_current`] finds the layer in a subscriber.
struct ExchangeLayer;

impl<S: Subscriber> Layer<S> for ExchangeLayer {
    /// Detects a subscriber that hides the layer. It does not log, because the dispatch is not registered yet.
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        if !dispatch.is::<Self>() {
            IS_HIDDEN.store(true, Ordering::Relaxed);
        }
    }
}

/// Logs a warning if a subscriber has the layer in a position in which [`tracing_opentelemetry::OpenTelemetrySpanExt`]
/// cannot find it.
pub(crate) fn warn_if_hidden() {
    if IS_HIDDEN.load(Ordering::Relaxed) {
        SetupFault::HiddenLayer.warn();
    }
}

/// Whether the current subscriber has [`layer`]. The layer is not found inside of `tracing_subscriber::reload::Layer`.
pub(super) fn is_current() -> bool {
    dispatcher::get_default(|dispatch| dispatch.is::<ExchangeLayer>())
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt};

    use super::*;
    use crate::trace::TracerProvider;

    fn spans<S>(filter: SpanFilter) -> impl Layer<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        filtered(TracerProvider::builder().build().tracer("test"), filter)
    }

    #[test]
    fn the_level_of_the_subscriber_is_that_of_its_filters() {
        let registry = tracing_subscriber::registry;
        let all = registry().with(spans(SpanFilter::all()));
        assert_eq!(Subscriber::max_level_hint(&all), Some(LevelFilter::TRACE));
        let none =
            registry().with(spans(SpanFilter { level: LevelFilter::OFF, ..SpanFilter::all() }));
        assert_eq!(Subscriber::max_level_hint(&none), Some(LevelFilter::OFF));
        let info = || SpanFilter { level: LevelFilter::INFO, ..SpanFilter::all() };
        let lines = tracing_subscriber::fmt::layer().with_filter(LevelFilter::WARN);
        let both = registry().with(lines).with(spans(info()));
        assert_eq!(Subscriber::max_level_hint(&both), Some(LevelFilter::INFO));
        let lines = tracing_subscriber::fmt::layer().with_filter(LevelFilter::WARN);
        let both = registry().with(spans(info())).with(lines);
        assert_eq!(Subscriber::max_level_hint(&both), Some(LevelFilter::INFO));
        let all = registry().with(tracing_subscriber::fmt::layer()).with(spans(info()));
        assert_eq!(Subscriber::max_level_hint(&all), None);
    }
}
