use std::{
    num::NonZeroU64,
    time::{Duration, Instant, SystemTime},
};

use super::clock;

/// Start of an exchange on the wall clock and on the monotonic clock. The length of the span equals the measured
/// latency.
///
/// Neither clock is read if there is no recording span and no metric.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timer {
    monotonic: Option<Instant>,
    /// Nanoseconds since the epoch, read only for a span that may be recorded.
    wall: Option<NonZeroU64>,
}

impl Timer {
    /// Returns the time of day of the start. If there was no start yet, it is now.
    #[inline]
    pub(crate) fn start_time(&mut self) -> SystemTime {
        if let Some(wall) = self.wall {
            return time_of_day(wall);
        }
        let mut started = clock::system_time();
        match self.monotonic {
            Some(monotonic) => started -= elapsed(monotonic),
            None => self.start(),
        }
        let since_epoch = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.wall = NonZeroU64::new(nanoseconds(since_epoch)).or(Some(NonZeroU64::MIN));
        started
    }

    /// Records the start, unless it is recorded already.
    pub(crate) fn start(&mut self) {
        self.monotonic.get_or_insert_with(clock::instant);
    }

    /// Returns the time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.monotonic.map_or(Duration::ZERO, elapsed)
    }

    /// Returns the time of day `elapsed` after the start, or now if the start was not recorded.
    pub(crate) fn end_time(&self, elapsed: Duration) -> SystemTime {
        self.wall.map_or_else(clock::system_time, |wall| time_of_day(wall) + elapsed)
    }

    /// Returns the time of day, by the monotonic clock since the start.
    pub(crate) fn now(&self) -> SystemTime {
        self.end_time(self.elapsed())
    }
}

/// Returns the time since `start`.
fn elapsed(start: Instant) -> Duration {
    clock::instant().saturating_duration_since(start)
}

/// Returns the nanoseconds of a duration. The result does not overflow within five centuries.
fn nanoseconds(duration: Duration) -> u64 {
    duration.as_secs() * 1_000_000_000 + u64::from(duration.subsec_nanos())
}

fn time_of_day(nanoseconds: NonZeroU64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_start_is_the_start_however_late_it_is_asked() {
        let a_minute_ago =
            Instant::now().checked_sub(MINUTE).expect("the machine has been up for a minute");
        let mut clock = Timer { monotonic: Some(a_minute_ago), wall: None };

        let started = clock.start_time();

        let ago = SystemTime::now().duration_since(started).unwrap();
        assert!(ago >= MINUTE && ago < 2 * MINUTE, "{ago:?}");
        assert!(clock.now().duration_since(started).unwrap() >= MINUTE);
    }
}
