use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use super::*;
use crate::config::batch::QUIET_PERIOD;

fn counts(capacity: usize) -> Counts {
    Counts::new(capacity, 1 << 20, |_, _| {})
}

/// Sends each change of health to the test.
fn observed(capacity: usize) -> (Counts, mpsc::Receiver<String>) {
    let (sender, changes) = mpsc::channel();
    let report = move |change: &HealthChange, reason: &str| {
        sender.send(format!("{change:?}: {reason}")).unwrap();
    };
    (Counts::new(capacity, 1 << 20, report), changes)
}

fn share(items: u64) -> Share {
    Share { items, bytes: 0 }
}

fn offer(counts: &Counts, items: usize) {
    (0..items).for_each(|_| {
        if let Err(refusal) = counts.reserve(0) {
            counts.drop_one(refusal)
        }
    });
}

#[test]
fn every_item_is_waiting_delivered_or_lost() {
    let counts = counts(4);
    offer(&counts, 6);
    let Snapshot { waiting, dropped, .. } = counts.snapshot();
    assert_eq!((waiting, dropped, counts.snapshot().offered()), (4, 2, 6));
    counts.settle(share(1), Outcome::delivered());
    counts.settle(share(2), Outcome::failed("refused"));
    let counted = counts.snapshot();
    assert_eq!((counted.delivered, counted.failed, counted.waiting), (1, 2, 1));
    assert_eq!((counted.offered(), counted.lost()), (6, 4));
    assert_eq!(counted.last_error.as_deref(), Some("refused"));
    assert!(counted.has_failed_last);
    offer(&counts, 3);
    assert_eq!(counts.snapshot().waiting, 4, "settled places are free again");
    counts.fail_one("not read");
    assert_eq!((counts.snapshot().offered(), counts.snapshot().failed), (10, 3));
}

#[test]
fn a_result_never_counts_more_than_the_batch() {
    let counts = counts(8);
    offer(&counts, 5);
    counts.settle(share(4), Outcome::delivered());
    counts.settle(share(1), Outcome::rejected(1_000_000_000, "not wanted"));
    let counted = counts.snapshot();
    assert_eq!((counted.delivered, counted.failed, counted.rejected), (4, 1, 1));
}

#[test]
fn failed_and_rejected_items_of_one_batch_are_counted_apart() {
    let counts = counts(8);
    offer(&counts, 8);
    counts.settle(
        share(8),
        Outcome { failed: 3, rejected: 2, removed: 0, reason: Some("mixed".to_owned()) },
    );
    let counted = counts.snapshot();
    assert_eq!((counted.delivered, counted.failed, counted.rejected), (3, 5, 2));
}

#[test]
fn items_lost_after_their_delivery_are_no_longer_delivered() {
    let counts = counts(8);
    offer(&counts, 6);
    counts.settle(share(4), Outcome::delivered());
    counts.reject(3, "agent gone");
    assert_eq!(counts.snapshot().delivered, 4, "not counted before the export ends");
    counts.settle(share(2), Outcome::delivered());
    let counted = counts.snapshot();
    assert_eq!((counted.delivered, counted.failed, counted.rejected), (3, 3, 3));
    assert_eq!((counted.delivered_total, counted.offered()), (4, 6), "no counter falls");
    counts.reject(u64::MAX, "agent gone");
    counts.reject(1, "agent gone");
    counts.settle_late();
    let counted = counts.snapshot();
    assert_eq!((counted.delivered, counted.failed, counted.offered()), (0, 6, 6));
    assert_eq!(counted.last_error.as_deref(), Some("agent gone"));
}

#[test]
fn snapshots_taken_at_any_time_add_up_and_monotonic_counts_never_fall() {
    const ROUNDS: u64 = 10_000;
    let (counts, begun) = (counts(3), AtomicU64::new(0));
    thread::scope(|scope| {
        let exporting = scope.spawn(|| {
            for _ in 0..ROUNDS {
                begun.fetch_add(2, Ordering::SeqCst);
                offer(&counts, 2);
                counts.reject(1, "not wanted");
                counts.settle(share(2), Outcome::delivered());
            }
        });
        let mut last = Snapshot::default();
        while !exporting.is_finished() {
            let now = counts.snapshot();
            assert!(now.rejected <= now.failed && now.waiting <= 3, "{now:?}");
            assert!(now.delivered_total >= last.delivered_total, "{now:?} after {last:?}");
            assert!(now.offered() >= last.offered(), "{now:?} after {last:?}");
            assert!(now.offered() <= begun.load(Ordering::SeqCst), "{now:?}");
            last = now;
        }
    });
    let counted = counts.snapshot();
    assert_eq!((counted.delivered, counted.rejected), (ROUNDS, ROUNDS));
    assert_eq!((counted.delivered_total, counted.offered()), (ROUNDS, 2 * ROUNDS));
}

#[test]
fn an_exporter_that_never_returns_is_reported_once_by_the_first_dropped_item() {
    let (counts, changes) = observed(1);
    offer(&counts, 4);
    assert_eq!(changes.try_iter().collect::<Vec<_>>(), ["Failing: the queue is full"]);
}

#[test]
fn a_loss_is_reported_with_its_reason_and_again_after_a_recovery() {
    let (counts, changes) = observed(4);
    offer(&counts, 4);
    counts.settle(share(1), Outcome::failed("refused"));
    counts.settle(share(1), Outcome::failed("refused again"));
    counts.settle(share(1), Outcome::delivered());
    assert_eq!(changes.try_iter().collect::<Vec<_>>(), ["Failing: refused"]);
    let recovers_at = counts.review_at().unwrap();
    assert!(recovers_at <= Instant::now() + QUIET_PERIOD);
    counts.review_health(recovers_at - Duration::from_secs(1));
    assert_eq!(changes.try_iter().count(), 0);
    counts.review_health(recovers_at);
    assert_eq!(changes.try_iter().count(), 1);
    assert_eq!(counts.review_at(), None);
    counts.occupancy().close();
    offer(&counts, 1);
    let last = changes.try_iter().collect::<Vec<_>>();
    assert_eq!(last, ["Failing: the exporter is shut down"]);
}

#[test]
fn a_log_writer_that_panics_changes_no_count() {
    let counts = Counts::new(2, 1024, |_, _| panic!("closed pipe"));
    offer(&counts, 3);
    counts.settle(share(1), Outcome::failed("refused"));
    counts.settle(share(1), Outcome::delivered());
    let counted = counts.snapshot();
    assert_eq!((counted.delivered, counted.failed, counted.dropped), (1, 1, 1));
}

#[test]
fn a_log_writer_may_use_the_counts() {
    let counts = Arc::<std::sync::OnceLock<Counts>>::default();
    let (sender, seen) = mpsc::channel();
    let theirs = Arc::clone(&counts);
    let report = move |_: &HealthChange, _: &str| {
        sender.send(theirs.get().unwrap().snapshot().dropped).unwrap();
    };
    let counts = counts.get_or_init(|| Counts::new(1, 1024, report));
    offer(counts, 2);
    assert_eq!(seen.try_recv(), Ok(1));
}

#[test]
fn results_of_parts_of_a_batch_add_up() {
    let failed = Outcome::failed("refused").of_items(3);
    let rejected = Outcome::rejected(9, "not wanted").of_items(2);
    let none = Outcome::failed("too large").of_items(0);
    assert_eq!(none, Outcome::delivered());
    let removed = Outcome { removed: 4, ..Outcome::default() };
    let all = none.and(failed).and(rejected).and(Outcome::delivered()).and(removed);
    let reason = Some("refused".to_owned());
    assert_eq!(all, Outcome { failed: 3, rejected: 2, removed: 4, reason });
    let counts = counts(16);
    offer(&counts, 10);
    counts.settle(share(10), all);
    let counted = counts.snapshot();
    assert_eq!((counted.delivered, counted.failed, counted.removed), (1, 5, 4));
    assert_eq!((counted.offered(), counted.lost()), (10, 5));
}

#[test]
fn a_dropped_item_has_the_reason_of_the_present_export() {
    let (counts, changes) = observed(1);
    counts.set_attempt_error("refused");
    offer(&counts, 1);
    counts.settle(share(1), Outcome::delivered());
    offer(&counts, 1);
    counts.set_attempt_error("HTTP 503");
    offer(&counts, 1);
    assert_eq!(changes.recv().unwrap(), "Failing: the queue is full: HTTP 503");
    assert!(changes.try_recv().is_err(), "a delivered export has no reason any more");
}
