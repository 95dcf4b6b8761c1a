//! A clock that only a test advances.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// 2026-01-01T00:00:00Z, in seconds since the epoch.
const START: u64 = 1_767_225_600;

thread_local! {
    static CURRENT: RefCell<Option<TestClock>> = const { RefCell::new(None) };
}

/// Clock that stands still until it is advanced. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    origin: Instant,
    /// Nanoseconds since the start.
    advanced: Arc<AtomicU64>,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now(), advanced: Arc::default() }
    }

    pub(crate) fn advance(&self, by: Duration) {
        let nanoseconds = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.advanced.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(crate) fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(START) + self.advanced()
    }

    fn instant(&self) -> Instant {
        self.origin + self.advanced()
    }

    fn advanced(&self) -> Duration {
        Duration::from_nanos(self.advanced.load(Ordering::Relaxed))
    }
}

/// Returns the monotonic time by the clock of this thread.
pub(super) fn instant() -> Option<Instant> {
    read(TestClock::instant)
}

/// Returns the time of day by the clock of this thread.
pub(super) fn system_time() -> Option<SystemTime> {
    read(TestClock::system_time)
}

fn read<T>(time: impl FnOnce(&TestClock) -> T) -> Option<T> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(time)).ok().flatten()
}

/// Replaces the clock of this thread, and returns the one before.
pub(crate) fn replace(clock: Option<TestClock>) -> Option<TestClock> {
    CURRENT.try_with(|current| current.replace(clock)).ok().flatten()
}
