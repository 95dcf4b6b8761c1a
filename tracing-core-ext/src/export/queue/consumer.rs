//! Consumer side of a [`Queue`]: forms batches, and settles them.

use std::{collections::VecDeque, mem, sync::Arc, time::Instant};

use super::bounded::{BatchLimits, Control, Entry, Queue, Queued, STRIPES, deadline};
use crate::{
    base::sync::{lock, wait},
    export::delivery::{Counts, Outcome, Share},
};

const ABANDONED: &str = "the export ended without a result";
const GONE: &str = "the export thread has ended";

/// The only consumer of a queue. Dropping it closes the queue and counts the waiting items as
/// failed.
pub(crate) struct Consumer<T: Queued> {
    queue: Arc<Queue<T>>,
    /// Items taken from the stripes, in the order of export.
    backlog: VecDeque<Entry<T>>,
    backlog_bytes: usize,
    /// Number of items at the front of the backlog that are exported without waiting for a full
    /// batch.
    due: usize,
    flush: Option<Flush>,
    /// Time of the next check of a queue that has no full batch.
    look_at: Instant,
    batch: Vec<T>,
    /// Items of the batch that is not settled.
    share: Share,
    /// Empty vectors with capacity, exchanged for those of the stripes.
    spare: Vec<Vec<Entry<T>>>,
}

/// A flush in progress. The next one starts when it has ended, so that new items cannot delay it
/// without end.
#[derive(Debug)]
struct Flush {
    ticket: u64,
    /// Number of items not yet settled.
    left: usize,
    is_handed_out: bool,
}

/// Work of the export thread.
pub(crate) enum Work<'a, T: Queued> {
    /// Export these items.
    Batch(Batch<'a, T>),
    /// All items before a flush are settled. Flush the exporter; the flush ends with the next call.
    Flush,
    /// The queue is closed and empty. Shut the exporter down and drop the consumer.
    Closed,
}

enum Decision {
    Batch,
    Flush,
    Closed,
}

/// Items being exported. If it is dropped without [`settle`](Self::settle), they count as failed.
pub(crate) struct Batch<'a, T: Queued> {
    consumer: &'a mut Consumer<T>,
}

/// Returns a queue that reserves places in `counts`, and its only consumer.
pub(crate) fn queue<T: Queued>(
    counts: Arc<Counts>,
    limits: BatchLimits,
) -> (Arc<Queue<T>>, Consumer<T>) {
    queue_with(STRIPES, counts, limits)
}

pub(super) fn queue_with<T: Queued>(
    stripes: usize,
    counts: Arc<Counts>,
    limits: BatchLimits,
) -> (Arc<Queue<T>>, Consumer<T>) {
    let queue = Arc::new(Queue::new(stripes, counts, limits));
    (Arc::clone(&queue), Consumer::new(queue))
}

impl<T: Queued> Consumer<T> {
    fn new(queue: Arc<Queue<T>>) -> Self {
        Self {
            look_at: deadline(queue.limits.delay),
            backlog: VecDeque::new(),
            backlog_bytes: 0,
            due: 0,
            flush: None,
            batch: Vec::new(),
            share: Share::default(),
            spare: Vec::new(),
            queue,
        }
    }

    /// Blocks until there is work.
    pub(crate) fn next_work(&mut self) -> Work<'_, T> {
        self.abandon();
        self.end_flush();
        loop {
            match self.decide(Instant::now()) {
                Some(Decision::Batch) => return Work::Batch(self.take_batch()),
                Some(Decision::Flush) => return Work::Flush,
                Some(Decision::Closed) => return Work::Closed,
                None => self.park(),
            }
            self.queue.counts.review_health(Instant::now());
        }
    }

    fn decide(&mut self, now: Instant) -> Option<Decision> {
        let control = self.take_control();
        let begins_flush = self.flush.is_none() && control.has_new_flush();
        let is_late = now >= self.look_at;
        let is_due = begins_flush || is_late || control.is_urgent || control.is_closed;
        if is_due || !self.has_full_batch() {
            self.drain();
        }
        if is_due {
            self.due = self.backlog.len();
        }
        if is_late {
            self.look_at = now + self.queue.limits.delay;
        }
        if begins_flush {
            let (ticket, left) = (control.flush_requested, self.backlog.len());
            self.flush = Some(Flush { ticket, left, is_handed_out: false });
        }
        self.decision(control.is_closed)
    }

    fn decision(&mut self, is_closed: bool) -> Option<Decision> {
        if let Some(flush) = self.flush.as_mut().filter(|flush| flush.left == 0) {
            flush.is_handed_out = true;
            return Some(Decision::Flush);
        }
        if self.due > 0 || self.has_full_batch() {
            return Some(Decision::Batch);
        }
        is_closed.then_some(Decision::Closed)
    }

    /// Reads the requests, and resets those that apply once.
    fn take_control(&self) -> Control {
        let mut control = lock(&self.queue.control);
        let taken = *control;
        (control.is_woken, control.is_urgent) = (false, false);
        taken
    }

    fn has_full_batch(&self) -> bool {
        self.queue.limits.is_full(self.backlog.len(), self.backlog_bytes)
    }

    fn drain(&mut self) {
        for stripe in &self.queue.stripes {
            let mut entries = lock(&stripe.0);
            if entries.is_empty() {
                continue;
            }
            let mut taken = mem::replace(&mut *entries, self.spare.pop().unwrap_or_default());
            drop(entries);
            self.backlog_bytes += taken.iter().map(|entry| entry.bytes).sum::<usize>();
            self.backlog.extend(taken.drain(..));
            self.spare.push(taken);
        }
    }

    fn take_batch(&mut self) -> Batch<'_, T> {
        let (items, bytes) = self.batch_size();
        self.backlog_bytes -= bytes;
        self.batch.extend(self.backlog.drain(..items).map(|entry| entry.item));
        self.share = Share { items: items as u64, bytes: bytes as u64 };
        Batch { consumer: self }
    }

    /// Returns the number of items for the next batch, at least one, and their size.
    fn batch_size(&self) -> (usize, usize) {
        let (limits, mut size) = (&self.queue.limits, 0);
        for (count, entry) in self.backlog.iter().enumerate().take(limits.max_items) {
            if count > 0 && size + entry.bytes > limits.max_bytes {
                return (count, size);
            }
            size += entry.bytes;
        }
        (self.backlog.len().min(limits.max_items), size)
    }

    /// Counts a batch as failed if it was dropped without a result.
    fn abandon(&mut self) {
        if self.share.items > 0 {
            self.settle(Outcome::failed(ABANDONED));
        }
    }

    fn settle(&mut self, outcome: Outcome) {
        let share = mem::take(&mut self.share);
        let items = share.items as usize;
        self.due = self.due.saturating_sub(items);
        if let Some(flush) = &mut self.flush {
            flush.left = flush.left.saturating_sub(items);
        }
        self.queue.counts.settle(share, outcome);
        self.batch.clear();
    }

    fn end_flush(&mut self) {
        if let Some(flush) = self.flush.take_if(|flush| flush.is_handed_out) {
            self.queue.change_control(|control| control.flush_done = flush.ticket);
        }
    }

    /// Waits for a full batch, a request, or the time of the next check.
    fn park(&self) {
        let (queue, occupancy) = (&self.queue, self.queue.counts.occupancy());
        let occupied = occupancy.park();
        if !queue.is_batch(occupied) {
            let review_at = queue.counts.review_at();
            let until = review_at.map_or(self.look_at, |at| at.min(self.look_at));
            wait(&queue.consumer_wakes, lock(&queue.control), until, Control::needs_consumer);
        }
        occupancy.unpark();
    }
}

impl<T: Queued> Batch<'_, T> {
    /// Returns the items to export. The exporter may change, drain or take them; the batch keeps
    /// their number.
    pub(crate) fn items(&mut self) -> &mut Vec<T> {
        &mut self.consumer.batch
    }

    /// Number of items at the start of the export.
    #[cfg(test)]
    pub(crate) fn len(&self) -> u64 {
        self.consumer.share.items
    }

    /// Counts the result of the export.
    pub(crate) fn settle(self, outcome: Outcome) {
        self.consumer.settle(outcome);
    }
}

impl<T: Queued> Drop for Batch<'_, T> {
    fn drop(&mut self) {
        self.consumer.abandon();
    }
}

impl<T: Queued> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.queue.close();
        self.abandon();
        self.drain();
        if !self.backlog.is_empty() {
            let (items, bytes) = (self.backlog.len() as u64, self.backlog_bytes as u64);
            self.queue.counts.settle(Share { items, bytes }, Outcome::failed(GONE));
        }
        self.queue.counts.settle_late();
        self.queue.change_control(|control| control.is_consumer_gone = true);
    }
}
