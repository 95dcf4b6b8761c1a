//! Containment of panics in code of users.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Kinds of code that have panicked, and the number of their panics.
static PANICS: Mutex<Vec<(&'static str, u64)>> = Mutex::new(Vec::new());

/// Calls code of a user, such as `"a sampler"`. Returns `None` if it panics. Each panic is counted, and the first one
/// of each kind is logged.
///
/// It works also while another panic unwinds.
#[inline]
pub(crate) fn contain<R>(what: &'static str, call: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => Some(result),
        Err(panic) => {
            count(what, &*panic);
            None
        }
    }
}

/// Calls `call`. If it panics, `on_panic` receives the message before the panic continues.
#[inline(always)]
pub(crate) fn observe_panic<R>(call: impl FnOnce() -> R, on_panic: impl FnOnce(&str)) -> R {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result,
        Err(panic) => go_on(panic, on_panic),
    }
}

#[cold]
fn go_on(panic: Box<dyn Any + Send>, on_panic: impl FnOnce(&str)) -> ! {
    on_panic(panic_message(&*panic).unwrap_or_default());
    resume_unwind(panic)
}

/// Returns the number of contained panics for each kind of code that has panicked.
pub(crate) fn contained_panics() -> Vec<(&'static str, u64)> {
    panics().clone()
}

/// Returns the number of panics of samplers, span processors, propagators and options of middlewares and clients that
/// were contained in this process.
///
/// A closure that panics is treated as if it were not set, and the request is served. The first panic of each option is
/// logged as a warning. The metric `tracing_core_ext.contained_panics` of `telemetry` has their number.
pub fn contained_panic_count() -> u64 {
    panics().iter().map(|(_, count)| count).sum()
}

#[cold]
fn count(what: &'static str, panic: &(dyn Any + Send)) {
    let mut panics = panics();
    if let Some((_, count)) = panics.iter_mut().find(|(known, _)| *known == what) {
        *count += 1;
        return;
    }
    panics.push((what, 1));
    drop(panics);
    let reason = panic_message(panic).unwrap_or("no message");
    // The log writer itself may panic.
    let _ = catch_unwind(|| {
        tracing::warn!("{what} panicked and is ignored for this call: {reason}");
    });
}

/// Calls code that logs. A panic of a log writer is not logged, because the log writer would panic again.
pub(crate) fn contain_log_writer(log: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(log));
}

fn panics() -> MutexGuard<'static, Vec<(&'static str, u64)>> {
    PANICS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the message of a panic, if it has one.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_contained_while_another_one_unwinds() {
        struct Unwound;
        impl Drop for Unwound {
            fn drop(&mut self) {
                assert_eq!(contain("a test of unwinding", || panic!("second")), None::<()>);
                assert_eq!(contain("a test of unwinding", || panic!("third")), None::<()>);
            }
        }
        let before = contained_panic_count();
        let first = catch_unwind(|| {
            let _unwound = Unwound;
            panic!("first");
        });
        assert_eq!(panic_message(&*first.unwrap_err()), Some("first"));
        assert!(contained_panic_count() >= before + 2);
        let panics = panics();
        let (_, count) = panics.iter().find(|(what, _)| *what == "a test of unwinding").unwrap();
        assert_eq!(*count, 2);
    }
}
