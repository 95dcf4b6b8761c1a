//! Limit of traces per second.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Token bucket that refills with a constant rate, in one atomic number: the time at which the bucket would be full
/// again. A trace moves it forward by the time that one token takes.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    /// Nanoseconds since the start of the process.
    full_at: AtomicU64,
    /// Nanoseconds in which one token is added.
    interval: u64,
    /// Nanoseconds in which an empty bucket is filled.
    capacity: u64,
}

impl TokenBucket {
    /// Creates a full bucket. It holds the tokens of one second, and at least one token.
    pub(crate) fn new(per_second: f64) -> Self {
        let interval = (1e9 / per_second).max(1.0) as u64;
        Self { full_at: AtomicU64::new(0), interval, capacity: interval.max(1_000_000_000) }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&self) -> bool {
        let now = EPOCH.elapsed().as_nanos();
        self.take_at(u64::try_from(now).unwrap_or(u64::MAX / 2))
    }

    fn take_at(&self, now: u64) -> bool {
        let latest = now.saturating_add(self.capacity);
        let after = |full_at: u64| {
            let after = full_at.max(now).saturating_add(self.interval);
            (after <= latest).then_some(after)
        };
        self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn taken(bucket: &TokenBucket, now: u64, attempts: usize) -> usize {
        (0..attempts).filter(|_| bucket.take_at(now)).count()
    }

    #[test]
    fn a_full_bucket_has_the_tokens_of_one_second() {
        let bucket = TokenBucket::new(10.0);
        assert_eq!(taken(&bucket, 0, 100), 10);
        assert_eq!(taken(&bucket, SECOND / 10 - 1, 100), 0);
        assert_eq!(taken(&bucket, SECOND / 10, 100), 1);
        assert_eq!(taken(&bucket, 100 * SECOND, 100), 10);
    }

    #[test]
    fn a_rate_below_one_has_one_token() {
        let bucket = TokenBucket::new(0.1);
        assert_eq!(taken(&bucket, 0, 5), 1);
        assert_eq!(taken(&bucket, 10 * SECOND - 1, 5), 0);
        assert_eq!(taken(&bucket, 10 * SECOND, 5), 1);
    }

    #[test]
    fn threads_share_the_tokens() {
        let bucket = TokenBucket::new(1000.0);
        let count = || taken(&bucket, 7, 1000);
        let total: usize = thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(count));
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(total, 1000);
    }

    proptest! {
        #[test]
        fn a_window_never_has_more_than_rate_and_burst(
            rate in 1u32..500,
            steps in prop::collection::vec(0u64..50_000_000, 1..400),
        ) {
            let bucket = TokenBucket::new(f64::from(rate));
            let mut now = 0;
            let mut taken = 0u64;
            for step in steps {
                now += step;
                taken += u64::from(bucket.take_at(now));
            }
            let refilled = now / bucket.interval;
            prop_assert!(taken <= u64::from(rate) + refilled + 1);
        }
    }
}
