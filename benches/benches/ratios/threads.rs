//! What a second thread adds.

use std::{sync::Barrier, thread};

use benches::{Driver, Site};

use crate::cell::timed;

/// Requests in one turn of a thread.
const BATCH: usize = 500;

/// Turns of one thread, and of two.
const ROUNDS: usize = 400;

/// Throughput of two threads that share a service, in throughputs of one of them. In each round the first thread works alone,
/// then both at once.
///
/// Of each kind the turn counts that nine of ten take longer than: two threads want the whole of a small machine, and where
/// they do not get it, a median tells of its other users.
pub(crate) fn scaling(site: &Site) -> f64 {
    let start = &Barrier::new(2);
    let (alone, both) = thread::scope(|scope| {
        let second = scope.spawn(move || second(site.driver(), start));
        let (alone, first) = first(site.driver(), start);
        let second = second.join().expect("requests that succeed");
        (alone, first.into_iter().zip(second).map(|(first, second)| first.max(second)).collect())
    });
    2.0 * lowest_decile(alone) / lowest_decile(both)
}

/// Times alone, and times beside the other thread.
fn first(mut driver: Driver, start: &Barrier) -> (Vec<f64>, Vec<f64>) {
    let turn = |_| {
        start.wait();
        let alone = seconds(&mut driver);
        start.wait();
        (alone, seconds(&mut driver))
    };
    (0..ROUNDS).map(turn).unzip()
}

/// Times beside the other thread.
fn second(mut driver: Driver, start: &Barrier) -> Vec<f64> {
    let turn = |_| {
        start.wait();
        start.wait();
        seconds(&mut driver)
    };
    (0..ROUNDS).map(turn).collect()
}

fn seconds(driver: &mut Driver) -> f64 {
    timed(driver, BATCH).as_secs_f64()
}

fn lowest_decile(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 10]
}
