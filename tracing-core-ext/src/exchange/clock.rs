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

    /// The time of day of the start, which is the moment this is first asked.
    pub(crate) fn started(&mut self) -> SystemTime {
        *self.wall.get_or_insert_with(SystemTime::now)
    }

    /// The time of day, by the monotonic clock since the start.
    pub(crate) fn now(&self) -> SystemTime {
        match self.wall {
            Some(started) => started + self.monotonic.elapsed(),
            None => SystemTime::now(),
        }
    }
}
