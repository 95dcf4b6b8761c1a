//! Sizes of requests that a receiver accepts.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Limit of a request with several items. It is less than each request that the receiver has
/// refused because of its size, so that later batches are split in advance.
#[derive(Debug)]
pub(crate) struct RequestSize(AtomicUsize);

impl RequestSize {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(AtomicUsize::new(bytes))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Reduces the limit to three quarters of a refused request. Half of it would be less than half
    /// of its items, because each request has the resource.
    pub(crate) fn on_refused(&self, bytes: usize) {
        self.0.fetch_min(bytes / 4 * 3, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_falls_with_refused_requests_and_never_rises() {
        let size = RequestSize::new(4_000);
        for (refused, expected) in [(8_000, 4_000), (4_000, 3_000), (100, 75), (4_000, 75)] {
            size.on_refused(refused);
            assert_eq!(size.bytes(), expected);
        }
    }
}
