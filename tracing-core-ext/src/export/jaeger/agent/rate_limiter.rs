use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// 10 MB per second. The socket of an agent has room for about three full packets. Packets that
/// arrive faster than the agent reads are lost without an error.
const PER_BYTE: Duration = Duration::from_nanos(100);

/// Limits the rate of packets, so that the agent can read all of them.
#[derive(Debug)]
pub(super) struct RateLimiter {
    next: Mutex<Instant>,
}

impl RateLimiter {
    pub(super) fn new() -> Self {
        Self { next: Mutex::new(Instant::now()) }
    }

    /// Waits until a packet of this size may be sent.
    pub(super) fn wait(&self, bytes: usize) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let wait = next.saturating_duration_since(now);
        *next = now + wait + PER_BYTE * u32::try_from(bytes).unwrap_or(u32::MAX);
        drop(next);
        thread::sleep(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_packet_is_sent_at_once_and_later_ones_at_the_limited_rate() {
        let (start, rate_limiter) = (Instant::now(), RateLimiter::new());
        rate_limiter.wait(1_000_000_000);
        assert!(start.elapsed() < Duration::from_secs(60));
        let rate_limiter = RateLimiter::new();
        (0..3).for_each(|_| rate_limiter.wait(65_000));
        assert!(start.elapsed() >= 2 * Duration::from_micros(6_500));
    }
}
