//! Producer side of the queue: stripes, reservations, and requests to the consumer.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    base::sync::{Condvar, Mutex, Padded, lock, wait},
    export::delivery::{Counts, Occupied, Refusal, Share},
};

/// Number of stripes: a power of two.
pub(super) const STRIPES: usize = 16;

/// Longest duration of a wait, so that no deadline overflows.
const MAX_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Item that waits for export.
pub(crate) trait Queued: Send + 'static {
    /// Approximate size in memory. Called once for each item.
    fn size_bytes(&self) -> usize;
}

/// Sizes of the batches, and the time after which a smaller batch is exported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    /// Largest number of items in a batch.
    pub(crate) max_items: usize,
    /// Largest size of a batch in memory. A larger item is exported alone.
    pub(crate) max_bytes: usize,
    /// Longest time that an item waits for others while the exporter is idle.
    pub(crate) delay: Duration,
}

/// Items of one exporter, shared by all producers.
pub(crate) struct Queue<T> {
    pub(super) counts: Arc<Counts>,
    pub(super) limits: BatchLimits,
    pub(super) stripes: Box<[Stripe<T>]>,
    pub(super) control: Mutex<Control>,
    pub(super) consumer_wakes: Condvar,
    control_changed: Condvar,
}

pub(super) type Stripe<T> = Padded<Mutex<Vec<Entry<T>>>>;

#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) item: T,
    pub(super) bytes: usize,
}

/// Requests to the consumer, and its responses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Control {
    /// A full batch is waiting.
    pub(super) is_woken: bool,
    /// An item was refused while the consumer was parked.
    pub(super) is_urgent: bool,
    pub(super) is_closed: bool,
    pub(super) flush_requested: u64,
    pub(super) flush_done: u64,
    pub(super) is_consumer_gone: bool,
}

impl<T: Queued> Queue<T> {
    pub(super) fn new(stripes: usize, counts: Arc<Counts>, limits: BatchLimits) -> Self {
        Self {
            limits: limits.within(counts.occupancy().limits()),
            counts,
            stripes: (0..stripes).map(|_| Padded(Mutex::new(Vec::new()))).collect(),
            control: Mutex::new(Control::default()),
            consumer_wakes: Condvar::new(),
            control_changed: Condvar::new(),
        }
    }

    /// Counts of this queue.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Enqueues an item. Returns it, counted as dropped, if it has no place or the queue is closed.
    pub(crate) fn offer(&self, item: T) -> Result<(), T> {
        self.offer_in(stripe_of_thread(), item)
    }

    pub(super) fn offer_in(&self, stripe: usize, item: T) -> Result<(), T> {
        let bytes = item.size_bytes();
        let mut entries = lock(&self.stripes[stripe & (self.stripes.len() - 1)].0);
        // Under the lock: a consumer that has read the occupancy finds every counted item in the
        // stripes.
        match self.counts.reserve(bytes) {
            Ok(occupied) => {
                entries.push(Entry { item, bytes });
                drop(entries);
                if occupied.is_parked() && self.is_batch(occupied) {
                    self.wake(false);
                }
                Ok(())
            }
            Err(refusal) => {
                drop(entries);
                self.refuse(refusal);
                Err(item)
            }
        }
    }

    #[cold]
    fn refuse(&self, refusal: Refusal) {
        self.counts.drop_one(refusal);
        if refusal == (Refusal::Full { is_parked: true }) {
            self.wake(true);
        }
    }

    pub(super) fn is_batch(&self, occupied: Occupied) -> bool {
        let share = occupied.share();
        self.limits.is_full(share.items as usize, share.bytes as usize)
    }

    #[cold]
    fn wake(&self, is_urgent: bool) {
        if self.counts.occupancy().unpark() {
            let mut control = lock(&self.control);
            control.is_woken = true;
            control.is_urgent |= is_urgent;
            drop(control);
            self.consumer_wakes.notify_one();
        }
    }

    /// Waits until every item offered before is settled. Returns whether that happened within
    /// `timeout`.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let until = deadline(timeout);
        let mut control = lock(&self.control);
        control.flush_requested += 1;
        let ticket = control.flush_requested;
        self.consumer_wakes.notify_one();
        wait(&self.control_changed, control, until, |control| {
            control.flush_done >= ticket || control.is_consumer_gone
        })
    }

    /// Refuses every later item, and makes the consumer export the waiting items and end.
    pub(crate) fn close(&self) {
        self.counts.occupancy().close();
        lock(&self.control).is_closed = true;
        self.consumer_wakes.notify_one();
    }

    /// Waits for the end of the consumer. Returns whether that happened within `timeout`.
    pub(crate) fn join(&self, timeout: Duration) -> bool {
        let (until, control) = (deadline(timeout), lock(&self.control));
        wait(&self.control_changed, control, until, |control| control.is_consumer_gone)
    }

    pub(super) fn change_control(&self, change: impl FnOnce(&mut Control)) {
        change(&mut lock(&self.control));
        self.control_changed.notify_all();
    }
}

impl BatchLimits {
    /// Returns limits that a full queue always reaches.
    fn within(self, queue: Share) -> Self {
        Self {
            max_items: self.max_items.clamp(1, queue.items as usize),
            max_bytes: self.max_bytes.clamp(1, queue.bytes as usize),
            delay: self.delay.min(MAX_WAIT),
        }
    }

    pub(super) fn is_full(&self, items: usize, bytes: usize) -> bool {
        items >= self.max_items || bytes >= self.max_bytes
    }
}

impl Control {
    pub(super) fn has_new_flush(&self) -> bool {
        self.flush_requested > self.flush_done
    }

    pub(super) fn needs_consumer(&self) -> bool {
        self.is_woken || self.is_closed || self.has_new_flush()
    }
}

pub(super) fn deadline(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(MAX_WAIT)
}

/// Returns the stripe of this thread. Threads that start one after the other use different stripes.
fn stripe_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    match NUMBER.get() {
        usize::MAX => {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            NUMBER.set(number);
            number
        }
        number => number,
    }
}
