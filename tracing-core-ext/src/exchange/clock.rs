use std::time::{Instant, SystemTime};

/// The start of an exchange on both clocks, so that the span's length is the measured latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    monotonic: Instant,
    /// Read only for a span that may be recorded.
    wall: Option<SystemTime>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { monotonic: Instant::now(), wall: None }
    }

    /// The time of day of the start, whenever this is first asked.
    pub(crate) fn started(&mut self) -> SystemTime {
        *self.wall.get_or_insert_with(|| SystemTime::now() - self.monotonic.elapsed())
    }

    /// The time of day, by the monotonic clock since the start.
    pub(crate) fn now(&self) -> SystemTime {
        match self.wall {
            Some(started) => started + self.monotonic.elapsed(),
            None => SystemTime::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_start_is_the_start_however_late_it_is_asked() {
        let a_minute_ago =
            Instant::now().checked_sub(MINUTE).expect("the machine has been up for a minute");
        let mut clock = Clock { monotonic: a_minute_ago, wall: None };

        let started = clock.started();

        let ago = SystemTime::now().duration_since(started).unwrap();
        assert!(ago >= MINUTE && ago < 2 * MINUTE, "{ago:?}");
        assert!(clock.now().duration_since(started).unwrap() >= MINUTE);
    }
}
