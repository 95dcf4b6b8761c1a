//! Flush, close, and an export that ends without a result.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

#[test]
fn a_flush_covers_the_batch_being_exported_and_the_waiting_items() {
    let (queue, consumer) = queue(&Limits { batch: 2, ..LIMITS });
    let exporting = exporting(consumer);
    offer(&queue, 0..3);
    exporting.begun.recv_timeout(SOON).unwrap();
    assert!(!queue.flush(Duration::ZERO), "the exporter has not returned");
    let flushing = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || queue.flush(SOON).then(|| queue.counts().snapshot()))
    };
    exporting.outcomes.send(Outcome::delivered()).unwrap();
    assert_eq!(exporting.begun.recv_timeout(SOON).unwrap(), [2]);
    exporting.outcomes.send(Outcome::failed("refused")).unwrap();
    let counted = flushing.join().unwrap().unwrap();
    assert_eq!((counted.delivered, counted.failed, counted.waiting), (2, 1, 0));
}

#[test]
fn items_offered_during_a_flush_do_not_delay_it() {
    let (queue, mut consumer) = queue(&Limits { batch: 1, ..LIMITS });
    offer(&queue, 0..2);
    thread::scope(|scope| {
        let flushing = scope.spawn(|| queue.flush(SOON));
        until(|| lock(&queue.control).flush_requested == 1);
        for number in 0..2 {
            let exported = batch(&mut consumer);
            offer(&queue, [number + 2]);
            exported.settle(Outcome::delivered());
        }
        assert!(matches!(consumer.next_work(), Work::Flush));
        assert_eq!(queue.counts().snapshot().waiting, 2);
        assert!(!flushing.is_finished(), "the exporter is flushed first");
        batch(&mut consumer).settle(Outcome::delivered());
        assert!(flushing.join().unwrap());
    });
}

#[test]
fn closing_exports_waiting_items_and_drops_later_ones() {
    let (queue, mut consumer) = queue(&LIMITS);
    offer(&queue, 0..2);
    queue.close();
    assert_eq!(queue.offer(item(2)), Err(item(2)));
    batch(&mut consumer).settle(Outcome::delivered());
    assert!(matches!(consumer.next_work(), Work::Closed));
    assert!(!queue.join(Duration::ZERO), "the exporter is not shut down");
    drop(consumer);
    assert!(queue.join(SOON) && queue.flush(SOON));
    let counted = queue.counts().snapshot();
    assert_eq!((counted.delivered, counted.dropped, counted.offered()), (2, 1, 3));
}

#[test]
fn a_batch_without_a_result_has_failed_as_a_whole() {
    let (queue, mut consumer) = queue(&Limits { batch: 2, ..LIMITS });
    offer(&queue, 0..6);
    batch(&mut consumer).items().clear();
    let panicking = catch_unwind(AssertUnwindSafe(|| {
        let _batch = batch(&mut consumer);
        panic!("in the exporter");
    }));
    assert!(panicking.is_err());
    std::mem::forget(batch(&mut consumer));
    queue.close();
    assert!(matches!(consumer.next_work(), Work::Closed));
    let counted = queue.counts().snapshot();
    assert_eq!((counted.failed, counted.waiting), (6, 0));
}

#[test]
fn items_left_by_an_export_thread_that_ended_have_failed() {
    let (queue, consumer) = queue(&LIMITS);
    offer(&queue, 0..3);
    drop(consumer);
    assert!(queue.flush(SOON));
    assert!(queue.offer(item(3)).is_err());
    let counted = queue.counts().snapshot();
    assert_eq!((counted.failed, counted.dropped, counted.waiting), (3, 1, 0));
    assert_eq!(counted.last_error.as_deref(), Some("the export thread has ended"));
}
