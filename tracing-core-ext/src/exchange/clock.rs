use std::time::{Duration, Instant, SystemTime};

/// The start of an exchange, read once from both clocks, so that the span's length is the measured latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    wall: SystemTime,
    monotonic: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { wall: SystemTime::now(), monotonic: Instant::now() }
    }

    pub(crate) const fn started(&self) -> SystemTime {
        self.wall
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.monotonic.elapsed()
    }
}
