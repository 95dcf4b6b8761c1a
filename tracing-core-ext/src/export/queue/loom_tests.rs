//! Model checks of producers, a consumer, flushes and the end of the queue.

use std::{sync::Arc, time::Duration};

use loom::thread::{self, JoinHandle};

use super::{consumer::queue_with, *};
use crate::{
    base::sync::check,
    export::delivery::{Counts, Outcome, Snapshot},
};

const NEVER: Duration = Duration::from_secs(3600);

struct Item;

impl Queued for Item {
    fn size_bytes(&self) -> usize {
        1
    }
}

fn queue(capacity: usize, batch: usize) -> (Arc<Queue<Item>>, Consumer<Item>) {
    let counts = Arc::new(Counts::new(capacity, 1024, |_, _| {}));
    let limits = BatchLimits { max_items: batch, max_bytes: 1024, delay: NEVER };
    queue_with(2, counts, limits)
}

fn offering(queue: &Arc<Queue<Item>>, stripe: usize) -> JoinHandle<bool> {
    let queue = Arc::clone(queue);
    thread::spawn(move || queue.offer_in(stripe, Item).is_ok())
}

/// Exports until the queue is closed. Returns the number of exported items.
fn consuming(mut consumer: Consumer<Item>) -> JoinHandle<u64> {
    thread::spawn(move || {
        let mut exported = 0;
        loop {
            match consumer.next_work() {
                Work::Batch(batch) => {
                    exported += batch.len();
                    batch.settle(Outcome::delivered());
                }
                Work::Flush => {}
                Work::Closed => return exported,
            }
        }
    })
}

fn end(queue: &Queue<Item>, consuming: JoinHandle<u64>) -> (u64, Snapshot) {
    queue.close();
    (consuming.join().unwrap(), queue.counts().snapshot())
}

/// Runs two producers against a consumer and takes snapshots at the same time. At the end every
/// place is free.
fn two_producers_and_a_consumer(capacity: usize, batch: usize) {
    check(move || {
        let (queue, consumer) = queue(capacity, batch);
        let consuming = consuming(consumer);
        let other = offering(&queue, 1);
        let mut accepted = u64::from(queue.offer_in(0, Item).is_ok());
        let early = queue.counts().snapshot();
        assert!(early.offered() >= 1 && early.offered() <= 2, "{early:?}");
        assert!(early.waiting <= capacity as u64, "{early:?}");
        accepted += u64::from(other.join().unwrap());
        assert!(accepted >= 1, "a free place was refused");
        assert!(queue.flush(NEVER));
        let flushed = queue.counts().snapshot();
        assert_eq!((flushed.delivered, flushed.dropped), (accepted, 2 - accepted), "{flushed:?}");
        assert_eq!((flushed.offered(), flushed.waiting, flushed.waiting_bytes), (2, 0, 0));
        assert!(early.delivered <= flushed.delivered && early.dropped <= flushed.dropped);
        let (exported, _) = end(&queue, consuming);
        assert_eq!(exported, accepted);
    });
}

#[test]
fn loom_one_place_and_two_producers() {
    two_producers_and_a_consumer(1, 1);
}

#[test]
fn loom_two_places_and_two_producers() {
    two_producers_and_a_consumer(2, 2);
}

#[test]
fn loom_producers_never_take_more_places_than_there_are_and_lose_none() {
    check(|| {
        let (queue, mut consumer) = queue(2, 2);
        let others = [offering(&queue, 0), offering(&queue, 1)];
        let mut accepted = u64::from(queue.offer_in(1, Item).is_ok());
        let during = queue.counts().snapshot();
        assert!(during.waiting <= 2 && during.offered() <= 3, "{during:?}");
        accepted += others.map(|other| u64::from(other.join().unwrap())).iter().sum::<u64>();
        assert_eq!(accepted, 2);
        let Work::Batch(batch) = consumer.next_work() else { panic!("a full batch waits") };
        assert_eq!(batch.len(), 2);
        batch.settle(Outcome::delivered());
        assert!(queue.offer_in(0, Item).is_ok() && queue.offer_in(0, Item).is_ok());
        assert_eq!(queue.counts().snapshot().offered(), 5);
    });
}

#[test]
fn loom_the_last_item_of_a_batch_wakes_the_consumer() {
    check(|| {
        let (queue, mut consumer) = queue(2, 2);
        let producers = [offering(&queue, 0), offering(&queue, 1)];
        let Work::Batch(batch) = consumer.next_work() else { panic!("there was no other request") };
        assert_eq!(batch.len(), 2, "the delay never passes");
        batch.settle(Outcome::delivered());
        for producer in producers {
            assert!(producer.join().unwrap());
        }
    });
}

#[test]
fn loom_an_item_offered_while_the_queue_closes_is_exported_or_dropped() {
    check(|| {
        let (queue, consumer) = queue(2, 2);
        let producer = offering(&queue, 1);
        let consuming = consuming(consumer);
        let (exported, _) = end(&queue, consuming);
        let accepted = u64::from(producer.join().unwrap());
        let counts = queue.counts().snapshot();
        assert_eq!(
            (exported, counts.delivered, counts.dropped),
            (accepted, accepted, 1 - accepted)
        );
        assert!(queue.flush(NEVER) && queue.join(NEVER));
    });
}

#[test]
fn loom_flushes_of_two_threads_both_end_after_the_items_before_them() {
    check(|| {
        let (queue, consumer) = queue(2, 2);
        let consuming = consuming(consumer);
        let other = Arc::clone(&queue);
        let flushing = thread::spawn(move || {
            assert!(other.offer_in(1, Item).is_ok());
            assert!(other.flush(NEVER));
            assert!(other.counts().snapshot().delivered >= 1);
        });
        assert!(queue.flush(NEVER));
        flushing.join().unwrap();
        assert_eq!(end(&queue, consuming).0, 1);
    });
}
