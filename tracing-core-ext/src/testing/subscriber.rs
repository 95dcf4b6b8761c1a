//! The `tracing` subscriber of a test.

use std::{
    cell::RefCell,
    sync::{Arc, OnceLock},
};

use opentelemetry::InstrumentationScope;
use tracing::{
    Dispatch, Level, Metadata, Subscriber, dispatcher::WeakDispatch, level_filters::LevelFilter,
    span::Id, subscriber::NoSubscriber,
};
use tracing_subscriber::{
    Layer,
    filter::filter_fn,
    layer::{Context, Identity},
    registry::LookupSpan,
};

use super::recorded::receiver::Receiver;
use crate::{
    bridge::{
        log_export::LogExportLayer,
        request_subscriber,
        span_filter::{SpanFilter, is_exporter_crate},
    },
    exchange::instrumentation::test_scope::{self, EnteredTest, TestProviders, TestScope},
    logs::{LogLimits, Logger},
    trace::TracerProvider,
};

/// Creates the subscriber for spans up to `level` and for events up to DEBUG.
pub(super) fn dispatch(
    providers: &Arc<TestProviders>,
    receiver: Receiver,
    level: LevelFilter,
) -> Dispatch {
    keep_second_subscriber();
    let lines = Identity::new().boxed();
    let records = records(&providers.tracer_provider, receiver);
    let of_test = OwnThreads { providers: Arc::clone(providers), dispatch: OnceLock::new() };
    // The spans of exchanges are entered in the lower layers only, where the thread belongs to the test already.
    let upper = records.and_then(of_test).boxed();
    let tracer = tracer(&providers.tracer_provider);
    let spans = SpanFilter::exported(level);
    request_subscriber::dispatch((lines, LevelFilter::OFF), Some(upper), tracer, spans)
}

/// Returns a layer for a subscriber that the test makes: it exports spans up to `level`, and events.
pub(super) fn layer<S>(
    provider: &TracerProvider,
    receiver: Receiver,
    level: LevelFilter,
) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let spans = crate::bridge::layer::filtered(tracer(provider), SpanFilter::exported(level));
    spans.and_then(records(provider, receiver))
}

/// Whether an event is a log line of the service: crates that exporters use write many below WARN.
fn is_log_line(metadata: &Metadata<'_>) -> bool {
    let least = if is_exporter_crate(metadata.target()) { Level::WARN } else { Level::DEBUG };
    *metadata.level() <= least
}

fn records<S>(provider: &TracerProvider, receiver: Receiver) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let logger = Logger::new(vec![Box::new(receiver)], LogLimits::default());
    let events = filter_fn(is_log_line).with_max_level_hint(LevelFilter::DEBUG);
    LogExportLayer::new(logger, provider.clone()).with_filter(events)
}

fn tracer(provider: &TracerProvider) -> crate::trace::Tracer {
    provider.tracer_with_scope(InstrumentationScope::builder(env!("CARGO_PKG_NAME")).build())
}

/// Registers a subscriber that is never dropped. While there is only one, `tracing` uses the interest of the thread that
/// reaches a callsite first, which may not belong to a test, and would cache "never" for all threads.
fn keep_second_subscriber() {
    static SECOND: OnceLock<Dispatch> = OnceLock::new();
    SECOND.get_or_init(|| Dispatch::new(NoSubscriber::new()));
}

thread_local! {
    /// Guards of entered spans, by which this thread belongs to a test.
    static ENTERED: RefCell<Vec<(Id, EnteredTest)>> = const { RefCell::new(Vec::new()) };
}

/// Makes a thread belong to the test while a span of the test is entered on it, such as that of a spawned task.
struct OwnThreads {
    providers: Arc<TestProviders>,
    dispatch: OnceLock<WeakDispatch>,
}

impl OwnThreads {
    fn scope(&self) -> Option<TestScope> {
        let dispatch = self.dispatch.get()?.upgrade()?;
        Some(TestScope { providers: Arc::clone(&self.providers), dispatch })
    }
}

impl<S> Layer<S> for OwnThreads
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        let Some(guard) = test_scope::enter(self.scope().as_ref()) else { return };
        let _ = ENTERED.try_with(|entered| entered.borrow_mut().push((id.clone(), guard)));
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        let guard = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            let last = entered.iter().rposition(|(other, _)| other == id)?;
            Some(entered.remove(last))
        });
        drop(guard);
    }
}
