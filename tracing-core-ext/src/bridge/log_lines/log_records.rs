//! Records of the crate `log`, as events of `tracing`.

use std::cell::Cell;

use tracing::level_filters::LevelFilter;
use tracing_log::{
    AsLog, AsTrace,
    log::{self, Log, Metadata, Record, SetLoggerError},
};

thread_local! {
    static IS_FORWARDING: Cell<bool> = const { Cell::new(false) };
}

/// Sends the records of the crate `log` to the current `tracing` subscriber.
///
/// Records above the level of the subscriber's filters cost one comparison at their call site.
///
/// # Errors
///
/// If the process already has a logger, which then keeps receiving the records.
pub(crate) fn forward() -> Result<(), SetLoggerError> {
    log::set_boxed_logger(Box::new(Forwarder))?;
    log::set_max_level(LevelFilter::current().as_log());
    Ok(())
}

/// Variant of `tracing_log::LogTracer` with another `enabled`. That of `LogTracer` leaves the decision of each
/// per-layer filter behind. If these decisions were negative, the next event of the thread would be lost.
struct Forwarder;

impl Log for Forwarder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level().as_trace() <= LevelFilter::current() && !is_from_tracing(metadata.target())
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) && !IS_FORWARDING.replace(true) {
            let _forwarding = Forwarding;
            // The call cannot fail: its result has the type of an earlier version.
            let _ = tracing_log::format_trace(record);
        }
    }

    fn flush(&self) {}
}

/// Guard against recursion, because a log writer may use the crate `log` itself.
struct Forwarding;

impl Drop for Forwarding {
    fn drop(&mut self) {
        IS_FORWARDING.set(false);
    }
}

/// Whether a record describes a span, for services without a subscriber: the feature `log` of `tracing`.
fn is_from_tracing(target: &str) -> bool {
    matches!(target, "tracing::span" | "tracing::span::active")
}
