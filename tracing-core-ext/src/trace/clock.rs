//! The clocks that exchanges read. With the feature `testing` a test can replace them on its threads.

use std::time::{Instant, SystemTime};

#[cfg(feature = "testing")]
pub(crate) mod test_clock;
#[cfg(not(feature = "testing"))]
#[path = "clock/off.rs"]
mod test_clock;

/// Returns the monotonic time.
#[inline]
pub(crate) fn instant() -> Instant {
    test_clock::instant().unwrap_or_else(Instant::now)
}

/// Returns the time of day.
#[inline]
pub(crate) fn system_time() -> SystemTime {
    test_clock::system_time().unwrap_or_else(SystemTime::now)
}
