//! Wall time of requests.

use std::time::{Duration, Instant};

use benches::Driver;

/// Time that a number of requests takes.
pub(crate) fn timed(driver: &mut Driver, requests: usize) -> Duration {
    driver.prepare(requests);
    let started = Instant::now();
    driver.run(requests);
    started.elapsed()
}
