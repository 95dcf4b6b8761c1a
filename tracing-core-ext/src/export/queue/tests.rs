mod ending;

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use super::{consumer::Batch, *};
use crate::{
    base::sync::lock,
    export::delivery::{Counts, ExportHealth, HealthChange, Outcome, Snapshot},
};

const NEVER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Item {
    number: usize,
    bytes: usize,
}

impl Queued for Item {
    fn size_bytes(&self) -> usize {
        self.bytes
    }
}

fn item(number: usize) -> Item {
    Item { number, bytes: 10 }
}

struct Limits {
    items: usize,
    batch: usize,
    batch_bytes: usize,
    delay: Duration,
}

const LIMITS: Limits = Limits { items: 8, batch: 8, batch_bytes: 1000, delay: NEVER };

fn queue(limits: &Limits) -> (Arc<Queue<Item>>, Consumer<Item>) {
    let counts = Arc::new(Counts::new(limits.items, 1000, |_, _| {}));
    let &Limits { batch, batch_bytes, delay, .. } = limits;
    super::queue(counts, BatchLimits { max_items: batch, max_bytes: batch_bytes, delay })
}

fn batch(consumer: &mut Consumer<Item>) -> Batch<'_, Item> {
    match consumer.next_work() {
        Work::Batch(batch) => batch,
        Work::Flush => panic!("a flush instead of a batch"),
        Work::Closed => panic!("closed instead of a batch"),
    }
}

fn numbers(batch: &mut Batch<'_, Item>) -> Vec<usize> {
    batch.items().iter().map(|item| item.number).collect()
}

fn offer(queue: &Queue<Item>, numbers: impl IntoIterator<Item = usize>) {
    numbers.into_iter().for_each(|number| queue.offer(item(number)).unwrap());
}

/// Waits without a time limit until another thread has made `is_so` true.
fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

/// Exports batches when the test allows it, and reports each one before it ends.
struct Exporting {
    outcomes: Sender<Outcome>,
    begun: Receiver<Vec<usize>>,
}

fn exporting(mut consumer: Consumer<Item>) -> Exporting {
    let ((outcomes, orders), (begin, begun)) = (channel(), channel());
    thread::spawn(move || {
        loop {
            match consumer.next_work() {
                Work::Batch(mut batch) => {
                    begin.send(numbers(&mut batch)).unwrap();
                    batch.settle(orders.recv().unwrap());
                }
                Work::Flush => {}
                Work::Closed => return,
            }
        }
    });
    Exporting { outcomes, begun }
}

#[test]
fn a_full_batch_wakes_the_consumer_and_keeps_the_order_of_a_thread() {
    let (queue, consumer) = queue(&Limits { batch: 3, ..LIMITS });
    let exporting = exporting(consumer);
    until(|| queue.counts().occupancy().occupied().is_parked());
    offer(&queue, 0..3);
    assert_eq!(exporting.begun.recv_timeout(SOON).unwrap(), [0, 1, 2]);
    exporting.outcomes.send(Outcome::delivered()).unwrap();
}

#[test]
fn fewer_items_are_exported_after_the_delay() {
    let (queue, mut consumer) = queue(&Limits { delay: Duration::from_millis(1), ..LIMITS });
    offer(&queue, 0..2);
    let mut batch = batch(&mut consumer);
    assert_eq!(numbers(&mut batch), [0, 1]);
}

#[test]
fn a_batch_is_limited_by_items_and_bytes_and_a_large_item_is_exported_alone() {
    let (queue, mut consumer) = queue(&Limits { batch: 3, batch_bytes: 35, ..LIMITS });
    offer(&queue, 0..4);
    queue.offer(Item { number: 4, bytes: 500 }).unwrap();
    queue.offer(Item { number: 5, bytes: 30 }).unwrap();
    offer(&queue, 6..8);
    queue.close();
    for expected in [vec![0, 1, 2], vec![3], vec![4], vec![5], vec![6, 7]] {
        let mut batch = batch(&mut consumer);
        assert_eq!(numbers(&mut batch), expected);
        batch.settle(Outcome::delivered());
    }
    assert!(matches!(consumer.next_work(), Work::Closed));
}

#[test]
fn an_item_without_a_place_is_returned_and_counted_as_dropped() {
    let (queue, mut consumer) = queue(&Limits { items: 2, ..LIMITS });
    assert_eq!(queue.offer(Item { number: 0, bytes: 1001 }).unwrap_err().number, 0);
    offer(&queue, 1..3);
    assert_eq!(queue.offer(item(3)), Err(item(3)));
    let exported = batch(&mut consumer);
    assert_eq!(queue.offer(item(4)), Err(item(4)), "an item keeps its place during the export");
    exported.settle(Outcome::delivered());
    offer(&queue, [5]);
    let Snapshot { delivered, dropped, waiting, waiting_bytes, .. } = queue.counts().snapshot();
    assert_eq!((delivered, dropped, waiting, waiting_bytes), (2, 3, 1, 10));
}

#[test]
fn a_refused_item_wakes_a_consumer_that_waits_for_a_full_batch() {
    let (queue, consumer) = queue(&LIMITS);
    let exporting = exporting(consumer);
    until(|| queue.counts().occupancy().occupied().is_parked());
    queue.offer(Item { number: 0, bytes: 600 }).unwrap();
    assert!(queue.offer(Item { number: 1, bytes: 600 }).is_err());
    assert_eq!(exporting.begun.recv_timeout(SOON).unwrap(), [0]);
    exporting.outcomes.send(Outcome::delivered()).unwrap();
}

#[test]
fn an_idle_consumer_reports_the_end_of_a_loss() {
    let (sender, changes) = channel();
    let report = move |change: &HealthChange, _: &str| {
        sender.send(matches!(change, HealthChange::Recovered { lost: 1 })).unwrap();
    };
    let health = ExportHealth::new(Duration::from_millis(20));
    let counts = Arc::new(Counts::with_health(8, 1000, health, report));
    let limits = BatchLimits { max_items: 1, max_bytes: 1000, delay: NEVER };
    let (queue, consumer) = super::queue(counts, limits);
    let exporting = exporting(consumer);
    offer(&queue, 0..2);
    exporting.outcomes.send(Outcome::failed("refused")).unwrap();
    assert!(!changes.recv_timeout(SOON).unwrap());
    exporting.outcomes.send(Outcome::delivered()).unwrap();
    assert!(changes.recv_timeout(SOON).unwrap());
}

#[test]
fn a_poisoned_lock_still_works() {
    let (queue, mut consumer) = queue(&LIMITS);
    let poison = |mutex: &(dyn Fn() + Sync)| {
        thread::scope(|scope| assert!(scope.spawn(mutex).join().is_err()));
    };
    for stripe in &queue.stripes {
        poison(&|| {
            let _guard = stripe.0.lock();
            panic!("poison");
        });
    }
    poison(&|| {
        let _guard = queue.control.lock();
        panic!("poison");
    });
    offer(&queue, [0]);
    queue.close();
    assert_eq!(batch(&mut consumer).len(), 1);
}

#[test]
fn in_the_steady_state_no_item_allocates_memory() {
    let (queue, mut consumer) = queue(&LIMITS);
    let mut round = || {
        offer(&queue, 0..8);
        batch(&mut consumer).settle(Outcome::delivered());
    };
    (0..3).for_each(|_| round());
    let allocated = allocation_counter::measure(|| (0..100).for_each(|_| round()));
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn four_threads_lose_no_place_and_no_count() {
    const PER_THREAD: usize = 20_000;
    let (queue, mut consumer) = queue(&Limits { items: 16, batch: 4, ..LIMITS });
    let consuming = thread::spawn(move || {
        let mut exported = 0;
        loop {
            match consumer.next_work() {
                Work::Batch(batch) => {
                    exported += batch.len();
                    let outcome = match exported % 3 {
                        0 => Outcome::failed("refused"),
                        1 => Outcome::rejected(1, "not wanted"),
                        _ => Outcome::delivered(),
                    };
                    batch.settle(outcome);
                }
                Work::Flush => {}
                Work::Closed => return exported,
            }
        }
    });
    let accepted: u64 = thread::scope(|scope| {
        let producing = [0; 4].map(|_| {
            scope.spawn(|| {
                (0..PER_THREAD).filter(|number| queue.offer(item(*number)).is_ok()).count() as u64
            })
        });
        let mut offered = 0;
        while !producing.iter().all(|thread| thread.is_finished()) {
            let now = queue.counts().snapshot();
            assert!(now.waiting <= 16 && now.offered() >= offered, "{now:?} after {offered}");
            offered = now.offered();
        }
        producing.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(queue.flush(SOON));
    let flushed = queue.counts().snapshot();
    assert_eq!((flushed.waiting, flushed.waiting_bytes), (0, 0), "{flushed:?}");
    offer(&queue, 0..16);
    queue.close();
    assert_eq!(consuming.join().unwrap(), accepted + 16);
    let counted = queue.counts().snapshot();
    let produced = 4 * PER_THREAD as u64;
    assert_eq!((counted.offered(), counted.dropped), (produced + 16, produced - accepted));
    assert_eq!(counted.delivered + counted.failed, accepted + 16);
}
