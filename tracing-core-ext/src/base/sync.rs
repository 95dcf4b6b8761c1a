//! Locks and atomics of the state that threads share: those of `std`, or those of the model checker `loom`.

use std::{sync::PoisonError, time::Instant};

#[cfg(all(test, model_checks))]
pub(crate) use loom::sync::{
    Condvar, Mutex, MutexGuard, RwLock,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};
#[cfg(not(all(test, model_checks)))]
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard, RwLock,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

/// Runs a model with every interleaving of its threads, up to a number of preemptions. Timeouts never pass in it, so a
/// lost wake-up is a deadlock, which fails the check.
#[cfg(all(test, model_checks))]
pub(crate) fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Aligns a value so that it shares no cache line with its neighbours. 128 bytes, because
/// processors prefetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

/// Locks a mutex, also after a thread has panicked while it held the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `is_done` returns true or `until` has passed. Returns the last result of `is_done`.
pub(crate) fn wait<T>(
    condvar: &Condvar,
    mut guard: MutexGuard<'_, T>,
    until: Instant,
    is_done: impl Fn(&T) -> bool,
) -> bool {
    loop {
        if is_done(&guard) {
            return true;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let waited = condvar.wait_timeout(guard, left);
        guard = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}
