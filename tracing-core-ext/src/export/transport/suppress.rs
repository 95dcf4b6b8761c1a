use std::{cell::RefCell, sync::OnceLock};

use opentelemetry::{Context, ContextGuard};
use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    dispatcher::{self, DefaultGuard},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};

thread_local! {
    static SUPPRESSION: RefCell<Option<(ContextGuard, DefaultGuard)>> = const { RefCell::new(None) };
}

/// Keeps this thread from tracing and logging anything, under whichever subscriber: what sends spans makes none.
pub(super) fn enter() {
    SUPPRESSION.with_borrow_mut(|silence| {
        silence.get_or_insert_with(|| {
            (Context::enter_telemetry_suppressed_scope(), dispatcher::set_default(no_subscriber()))
        });
    });
}

/// While any thread has a subscriber of its own, every other looks for one: silence ends where nothing runs.
pub(super) fn exit() {
    drop(SUPPRESSION.with_borrow_mut(Option::take));
}

/// One for the process, and never dropped.
///
/// Not `Dispatch::none`, for while there is no second subscriber `tracing` asks the current one of the thread that
/// happens to come by a callsite first, and would keep its "never" for all other threads.
fn no_subscriber() -> &'static Dispatch {
    static NO_SUBSCRIBER: OnceLock<Dispatch> = OnceLock::new();
    NO_SUBSCRIBER.get_or_init(|| Dispatch::new(NoSubscriber))
}

struct NoSubscriber;

impl Subscriber for NoSubscriber {
    /// What others always want stays so, without being asked each time.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::always()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tracing_subscriber::{fmt::writer::BoxMakeWriter, layer::SubscriberExt};

    use super::*;
    use crate::telemetry::log_format::tests::CapturedLines;

    fn happen() {
        tracing::info!("happened");
    }

    #[test]
    fn what_is_silent_here_is_logged_elsewhere() {
        let lines = CapturedLines::default();
        let layer = tracing_subscriber::fmt::layer().with_writer(BoxMakeWriter::new(lines.clone()));
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
        let here = dispatcher::set_default(&dispatch);
        let silenced = thread::spawn(|| {
            enter();
            enter();
            happen();
            assert!(Context::is_current_telemetry_suppressed());
            exit();
            assert!(!Context::is_current_telemetry_suppressed());
        });
        silenced.join().unwrap();
        assert_eq!(lines.all(), [""; 0]);

        happen();
        drop(here);
        assert_eq!(lines.all().len(), 1);
    }
}
