//! Notes in failure messages about globals that take telemetry from a test.

use std::thread;

use tracing::{dispatcher, subscriber::NoSubscriber};

use crate::exchange::instrumentation::test_scope;

/// Explains where telemetry may be that a test misses. It is empty if nothing global is installed.
pub(crate) fn about_missing() -> String {
    if let Some(by) = test_scope::installed_by() {
        return format!(
            "note: the thread {by:?} has installed global telemetry in this process: what is made outside of the test, or \
             with `opentelemetry::global`, belongs to that and not to this test\n"
        );
    }
    let mut notes = String::new();
    if test_scope::has_foreign_provider() {
        notes.push_str(
            "note: a global tracer provider is installed in this process: spans that are made with \
             `opentelemetry::global` belong to that and not to this test\n",
        );
    }
    if has_global_subscriber() {
        notes.push_str(
            "note: a global tracing subscriber is installed in this process: spans and events on threads outside of the \
             test belong to that and not to this test\n",
        );
    }
    notes
}

/// A new thread has no subscriber but the global one.
fn has_global_subscriber() -> bool {
    let is_set = || dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>());
    thread::spawn(is_set).join().unwrap_or(false)
}
