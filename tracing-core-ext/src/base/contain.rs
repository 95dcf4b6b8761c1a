//! Containment of panics in code of users.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
};

/// Kinds of code that have panicked. Each is logged once.
static LOGGED: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// Calls code of a user, such as `"a sampler"`. Returns `None` if it panics; the first panic of each kind is logged.
#[inline]
pub(crate) fn contain<R>(what: &'static str, call: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => Some(result),
        Err(panic) => {
            log_once(what, &*panic);
            None
        }
    }
}

#[cold]
fn log_once(what: &'static str, panic: &(dyn Any + Send)) {
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    if logged.contains(&what) {
        return;
    }
    logged.push(what);
    drop(logged);
    let reason = panic_message(panic).unwrap_or("no message");
    // The log writer may be what panics.
    let _ = catch_unwind(|| {
        tracing::warn!("{what} panicked and is ignored for this call: {reason}");
    });
}

/// Calls code that logs. A panic of a log writer is not logged, because the log writer would panic again.
pub(crate) fn contain_log_writer(log: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(log));
}

/// Returns the message of a panic, if it has one.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}
