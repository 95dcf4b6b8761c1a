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

/// Suppresses spans and log lines on this thread, with any subscriber, so that an export is not
/// traced.
pub(super) fn enter() {
    SUPPRESSION.with_borrow_mut(|silence| {
        silence.get_or_insert_with(|| {
            (Context::enter_telemetry_suppressed_scope(), dispatcher::set_default(no_subscriber()))
        });
    });
}

/// Ends the suppression. A thread must not keep its own subscriber while it is idle, because it
/// slows down all threads.
pub(super) fn exit() {
    drop(SUPPRESSION.with_borrow_mut(Option::take));
}

/// Returns the subscriber of suppressed threads. It is never dropped.
///
/// `Dispatch::none` is not suitable: while there is only one subscriber, `tracing` uses the
/// interest of the thread that reaches a callsite first, and would cache "never" for all other
/// threads.
fn no_subscriber() -> &'static Dispatch {
    static NO_SUBSCRIBER: OnceLock<Dispatch> = OnceLock::new();
    NO_SUBSCRIBER.get_or_init(|| Dispatch::new(NoSubscriber))
}

struct NoSubscriber;

impl Subscriber for NoSubscriber {
    /// Keeps the interest of subscribers that always enable a callsite, so that `enabled` is not
    /// called each time.
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
    fn a_suppressed_thread_logs_nothing_while_others_do() {
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
