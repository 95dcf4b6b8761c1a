//! The subscriber of a service without additional layers.
//!
//! Most requests write no log line and create no `tracing` span. For them the `tracing` span of the request costs more
//! than all the rest of tracing. This subscriber receives each use of the current span before the layers do, so that
//! the span can be created when it is first used.

use opentelemetry::trace::Tracer;
use tracing::{
    Dispatch, Event, Metadata, Subscriber, dispatcher,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_core::span::Current;
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterId, Filtered},
    layer::{Context, Filter, Layered, SubscriberExt},
    registry::{Data, LookupSpan},
};

use super::{deferred_scopes::enter_waiting, layer::export_layer, span_filter::SpanFilter};

pub(crate) type BoxLayer<S> = Box<dyn Layer<S> + Send + Sync>;
type BoxFilter<S> = Box<dyn Filter<S> + Send + Sync>;

/// Log lines, and the spans to which they belong.
pub(crate) type Lines =
    Layered<Filtered<BoxLayer<Registry>, BoxFilter<Registry>, Registry>, Registry>;

/// Subscriber for log lines and exported spans. Waiting spans are entered before the current span is used.
pub(crate) struct RequestSubscriber {
    stack: Layered<BoxLayer<Lines>, Lines>,
}

/// Creates a subscriber that writes the events that `line_filter` selects and exports the spans that `span_filter`
/// selects. `log_records` is the layer of exported log records.
///
/// `OpenTelemetrySpanExt` finds the spans by a layer around the [`RequestSubscriber`]. That layer receives no events or
/// spans.
pub(crate) fn dispatch<T>(
    (lines, line_filter): (BoxLayer<Registry>, impl Filter<Registry> + Send + Sync + 'static),
    log_records: Option<BoxLayer<Lines>>,
    tracer: T,
    span_filter: SpanFilter,
) -> Dispatch
where
    T: Tracer + Clone + Send + Sync + 'static,
    T::Span: Send + Sync,
{
    let line_filter: BoxFilter<Registry> = Box::new(line_filter);
    let lines = Registry::default().with(lines.with_filter(line_filter));
    let export = export_layer(tracer.clone()).with_filter(span_filter);
    let export = match log_records {
        Some(log_records) => export.and_then(log_records).boxed(),
        None => export.boxed(),
    };
    let subscriber = RequestSubscriber { stack: lines.with(export) };
    Dispatch::new(subscriber.with(export_layer(tracer).with_filter(AccessOnly)))
}

/// Whether the current subscriber was made by [`dispatch`].
pub(super) fn is_current() -> bool {
    dispatcher::get_default(|dispatch| dispatch.is::<RequestSubscriber>())
}

impl RequestSubscriber {
    /// Whether this thread has a current span.
    pub(super) fn has_current_span(&self) -> bool {
        self.current_span().id().is_some()
    }

    /// Makes a span current for log lines and for `tracing`. The OpenTelemetry context does not change.
    pub(super) fn enter_lines(&self, id: &Id) {
        if let Some(lines) = self.lines() {
            lines.enter(id);
        }
    }

    /// Undoes [`enter_lines`](Self::enter_lines).
    pub(super) fn exit_lines(&self, id: &Id) {
        if let Some(lines) = self.lines() {
            lines.exit(id);
        }
    }

    fn lines(&self) -> Option<&Lines> {
        self.stack.downcast_ref()
    }
}

impl Subscriber for RequestSubscriber {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.stack.on_register_dispatch(dispatch);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.stack.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.stack.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.stack.max_level_hint()
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        enter_waiting();
        self.stack.new_span(attributes)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.stack.record(id, values);
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        self.stack.record_follows_from(id, follows);
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.stack.event_enabled(event)
    }

    fn event(&self, event: &Event<'_>) {
        self.stack.event(event);
    }

    fn enter(&self, id: &Id) {
        enter_waiting();
        self.stack.enter(id);
    }

    fn exit(&self, id: &Id) {
        self.stack.exit(id);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.stack.clone_span(id)
    }

    fn try_close(&self, id: Id) -> bool {
        self.stack.try_close(id)
    }

    fn current_span(&self) -> Current {
        enter_waiting();
        self.stack.current_span()
    }
}

impl<'a> LookupSpan<'a> for RequestSubscriber {
    type Data = Data<'a>;

    fn span_data(&'a self, id: &Id) -> Option<Self::Data> {
        self.stack.span_data(id)
    }

    fn register_filter(&mut self) -> FilterId {
        self.stack.register_filter()
    }
}

/// Disables the layer that makes spans accessible.
///
/// It is the first filter of the subscriber, so an event or span that passes it has not changed the state of any other
/// filter. A waiting span can only be created before that.
struct AccessOnly;

impl<S> Filter<S> for AccessOnly {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        enter_waiting();
        false
    }

    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::never()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }
}
