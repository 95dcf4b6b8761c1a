//! Log lines of the set-up, written as soon as there is a subscriber.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::setup_fault::has_subscriber;

static PENDING: Mutex<Vec<Box<dyn FnOnce() + Send>>> = Mutex::new(Vec::new());

/// Calls `log` when there is a subscriber: now, or when the next middleware is built.
pub(crate) fn log(log: impl FnOnce() + Send + 'static) {
    pending().push(Box::new(log));
    flush();
}

/// Writes the pending lines, if this thread has a subscriber.
pub(crate) fn flush() {
    if has_subscriber() {
        // The lock is released before anything is logged.
        let pending = std::mem::take(&mut *pending());
        pending.into_iter().for_each(|log| log());
    }
}

fn pending() -> MutexGuard<'static, Vec<Box<dyn FnOnce() + Send>>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}
