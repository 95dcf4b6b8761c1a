//! Throughput of a second thread.

use std::{sync::Barrier, thread};

use benches::{Driver, Site, median};

use crate::clock::timed;

/// Requests in one turn of a thread.
const BATCH: usize = 500;

/// Turns of one thread, and of two.
const ROUNDS: usize = 400;

/// Throughput of two threads that share a service, as a multiple of that of one thread: the median
/// of the rounds. In each round the first thread works alone, then both work at the same time.
pub(crate) fn scaling(site: &Site) -> f64 {
    let start = &Barrier::new(2);
    let (alone, first, second) = thread::scope(|scope| {
        let second = scope.spawn(move || second(site.driver(), start));
        let (alone, first) = first(site.driver(), start);
        (alone, first, second.join().expect("requests that succeed"))
    });
    let rounds = alone.iter().zip(first.iter().zip(&second));
    median(rounds.map(|(alone, (first, second))| alone / first + alone / second).collect())
}

/// Returns the times of the thread alone, and those beside the other thread.
fn first(mut driver: Driver, start: &Barrier) -> (Vec<f64>, Vec<f64>) {
    let turn = |_| {
        start.wait();
        let alone = seconds(&mut driver);
        start.wait();
        (alone, seconds(&mut driver))
    };
    (0..ROUNDS).map(turn).unzip()
}

/// Returns the times beside the other thread.
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
