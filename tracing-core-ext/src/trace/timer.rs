use std::{
    num::NonZeroU64,
    time::{Duration, Instant, SystemTime},
};

/// The start of an exchange on both clocks, so that the span's length is the measured latency.
///
/// Neither is read for an exchange that nobody measures.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timer {
    monotonic: Option<Instant>,
    /// Nanoseconds since the epoch, read only for a span that may be recorded.
    wall: Option<NonZeroU64>,
}

impl Timer {
    /// The time of day of the start, which is now if it was not before.
    #[inline]
    pub(crate) fn start_time(&mut self) -> SystemTime {
        if let Some(wall) = self.wall {
            return time_of_day(wall);
        }
        let mut started = SystemTime::now();
        match self.monotonic {
            Some(monotonic) => started -= monotonic.elapsed(),
            None => self.start(),
        }
        let since_epoch = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.wall = NonZeroU64::new(nanoseconds(since_epoch)).or(Some(NonZeroU64::MIN));
        started
    }

    /// The exchange begins now, unless it has begun.
    pub(crate) fn start(&mut self) {
        self.monotonic.get_or_insert_with(Instant::now);
    }

    /// How long it is since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.monotonic.map_or(Duration::ZERO, |monotonic| monotonic.elapsed())
    }

    /// The time of day `elapsed` after the start, which is now if the start was not recorded.
    pub(crate) fn end_time(&self, elapsed: Duration) -> SystemTime {
        self.wall.map_or_else(SystemTime::now, |wall| time_of_day(wall) + elapsed)
    }

    /// The time of day, by the monotonic clock since the start.
    pub(crate) fn now(&self) -> SystemTime {
        self.end_time(self.elapsed())
    }
}

/// Enough for five centuries.
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
