//! The clocks that exchanges read. With the feature `testing` a test can replace them on its threads.

use std::time::{Instant, SystemTime};

#[cfg(feature = "testing")]
pub(crate) mod test_clock;

/// Returns the monotonic time.
#[inline]
pub(crate) fn instant() -> Instant {
    #[cfg(feature = "testing")]
    if let Some(clock) = test_clock::current() {
        return clock.instant();
    }
    Instant::now()
}

/// Returns the time of day.
#[inline]
pub(crate) fn system_time() -> SystemTime {
    #[cfg(feature = "testing")]
    if let Some(clock) = test_clock::current() {
        return clock.system_time();
    }
    SystemTime::now()
}
