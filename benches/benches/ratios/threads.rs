//! What a second thread adds.

use std::{sync::Barrier, thread};

use benches::{Site, median};

use crate::cell::timed;

/// Requests in one turn of a thread.
const BATCH: usize = 1000;

/// Turns of one thread and of two.
const ROUNDS: usize = 101;

/// Throughput of two threads that share a service, in throughputs of one of them: the median of the rounds. In each the first
/// thread works alone, then both at once.
pub(crate) fn scaling(site: &Site) -> f64 {
    let start = &Barrier::new(2);
    let (alone, first, second) = thread::scope(|scope| {
        let second = scope.spawn(move || {
            let mut driver = site.driver();
            let turn = |_| {
                start.wait();
                start.wait();
                timed(&mut driver, BATCH).as_secs_f64()
            };
            (0..ROUNDS).map(turn).collect::<Vec<_>>()
        });
        let mut driver = site.driver();
        let turn = |_| {
            start.wait();
            let alone = timed(&mut driver, BATCH).as_secs_f64();
            start.wait();
            (alone, timed(&mut driver, BATCH).as_secs_f64())
        };
        let (alone, first): (Vec<_>, Vec<_>) = (0..ROUNDS).map(turn).unzip();
        (alone, first, second.join().expect("requests that succeed"))
    });
    let rounds = alone.iter().zip(first.iter().zip(&second));
    median(rounds.map(|(alone, (first, second))| alone / first + alone / second).collect())
}
