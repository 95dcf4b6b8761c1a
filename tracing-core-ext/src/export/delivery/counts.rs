//! Counts of the items offered to one exporter: offered = delivered + lost + removed + waiting, at
//! every moment.
//!
//! Offered items are not counted, because they are the sum of the others. Producers only increase
//! `waiting` and `dropped`. Every decrease of a part happens under the lock of `settled`, and a
//! snapshot holds this lock while it reads.

mod outcome;

use std::{fmt, time::Instant};

use super::{
    health::{ExportHealth, HealthChange},
    occupancy::{Occupancy, Occupied, Refusal, Share},
};
use crate::base::{
    contain_log_writer,
    sync::{AtomicBool, AtomicU64, Mutex, Ordering, Padded, lock},
};

pub(crate) use self::outcome::{Outcome, Snapshot};

const QUEUE_FULL: &str = "the queue is full";
const CLOSED: &str = "the exporter is shut down";

/// Counters of one exporter, and its health.
pub(crate) struct Counts {
    occupancy: Padded<Occupancy>,
    dropped: Padded<AtomicU64>,
    settled: Mutex<Settled>,
    /// Whether `health` has recorded the present loss, so that producers take its lock only once.
    is_loss_known: AtomicBool,
    health: Mutex<ExportHealth>,
    on_change: Box<OnChange>,
}

/// Callback for each change of health, with the reason of the loss.
type OnChange = dyn Fn(&HealthChange, &str) + Send + Sync;

#[derive(Debug, Default)]
struct Settled {
    delivered: u64,
    failed: u64,
    rejected: u64,
    removed: u64,
    delivered_total: u64,
    last_error: Option<String>,
    has_failed_last: bool,
    /// Error of the first attempts of the present export.
    attempt_error: Option<String>,
    /// Number of items that the exporter has reported as lost and that are not yet subtracted from
    /// the delivered ones.
    late: u64,
}

impl Counts {
    #[cfg(test)]
    pub(crate) fn new(
        max_items: usize,
        max_bytes: usize,
        on_change: impl Fn(&HealthChange, &str) + Send + Sync + 'static,
    ) -> Self {
        let health = ExportHealth::new(crate::config::batch::QUIET_PERIOD);
        Self::with_health(max_items, max_bytes, health, on_change)
    }

    /// Limits the number of waiting items. Calls `on_change` when a loss begins and when it ends.
    pub(crate) fn with_health(
        max_items: usize,
        max_bytes: usize,
        health: ExportHealth,
        on_change: impl Fn(&HealthChange, &str) + Send + Sync + 'static,
    ) -> Self {
        Self {
            occupancy: Padded(Occupancy::new(max_items, max_bytes)),
            dropped: Padded(AtomicU64::new(0)),
            settled: Mutex::new(Settled::default()),
            is_loss_known: AtomicBool::new(false),
            health: Mutex::new(health),
            on_change: Box::new(on_change),
        }
    }

    /// Returns the largest number of items that may wait.
    pub(crate) fn capacity(&self) -> u64 {
        self.occupancy.0.limits().items
    }

    pub(crate) fn occupancy(&self) -> &Occupancy {
        &self.occupancy.0
    }

    /// Reserves a place for an item. The caller counts a refused item with
    /// [`drop_one`](Self::drop_one).
    pub(crate) fn reserve(&self, bytes: usize) -> Result<Occupied, Refusal> {
        self.occupancy.0.reserve(bytes)
    }

    /// Counts an item that has no place. Never blocks on an export.
    #[cold]
    pub(crate) fn drop_one(&self, refusal: Refusal) {
        self.dropped.0.fetch_add(1, Ordering::AcqRel);
        let is_known = self.is_loss_known.load(Ordering::Relaxed);
        if is_known || self.is_loss_known.swap(true, Ordering::AcqRel) {
            return;
        }
        // Reported here, because the consumer cannot report it if its export never returns.
        let reason = match (refusal, lock(&self.settled).attempt_error.as_deref()) {
            (Refusal::Closed, _) => CLOSED.to_owned(),
            (_, None) => QUEUE_FULL.to_owned(),
            (_, Some(error)) => format!("{QUEUE_FULL}: {error}"),
        };
        self.update_health(false, Some(&reason), Instant::now());
    }

    /// Counts the result of an export, and frees the places of its items.
    pub(crate) fn settle(&self, share: Share, outcome: Outcome) {
        let removed = outcome.removed.min(share.items);
        let (lost, rejected) = outcome.lost_of(share.items - removed);
        let mut settled = lock(&self.settled);
        self.occupancy.0.release(share);
        let arrived = share.items - removed - lost;
        let late = std::mem::take(&mut settled.late).min(settled.delivered + arrived);
        settled.delivered += arrived;
        settled.delivered -= late;
        settled.delivered_total += arrived.saturating_sub(late);
        settled.failed += lost + late;
        settled.rejected += rejected + late;
        settled.removed += removed;
        settled.attempt_error = None;
        settled.has_failed_last = lost + late > 0;
        settled.last_error = outcome.reason.or(settled.last_error.take());
        let reason = settled.has_failed_last.then(|| settled.last_error.clone()).flatten();
        drop(settled);
        self.update_health(arrived > late, reason.as_deref(), Instant::now());
    }

    /// Sets the error of an attempt of the present export. Items dropped because the queue is full
    /// get this reason.
    pub(crate) fn set_attempt_error(&self, reason: &str) {
        lock(&self.settled).attempt_error = Some(reason.to_owned());
    }

    /// Counts items that the exporter has accepted and lost, of this batch or of earlier ones. They
    /// count with the end of the next export, or with [`settle_late`](Self::settle_late).
    pub(crate) fn reject(&self, items: u64, reason: impl Into<String>) {
        let mut settled = lock(&self.settled);
        settled.late = settled.late.saturating_add(items);
        settled.last_error = Some(reason.into());
    }

    /// Counts items from [`reject`](Self::reject) when no export follows.
    pub(crate) fn settle_late(&self) {
        if lock(&self.settled).late > 0 {
            self.settle(Share::default(), Outcome::default());
        }
    }

    /// Counts an item that failed before it had a place.
    pub(crate) fn fail_one(&self, reason: impl Into<String>) {
        let reason = reason.into();
        let mut settled = lock(&self.settled);
        settled.failed += 1;
        settled.has_failed_last = true;
        settled.last_error = Some(reason.clone());
        drop(settled);
        self.update_health(false, Some(&reason), Instant::now());
    }

    /// Returns a consistent snapshot of the counts.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let settled = lock(&self.settled);
        let dropped = self.dropped.0.load(Ordering::Acquire);
        let Share { items, bytes } = self.occupancy.0.occupied().share();
        Snapshot {
            delivered: settled.delivered,
            dropped,
            failed: settled.failed,
            rejected: settled.rejected,
            removed: settled.removed,
            delivered_total: settled.delivered_total,
            waiting: items,
            waiting_bytes: bytes,
            last_error: settled.last_error.clone(),
            has_failed_last: settled.has_failed_last,
        }
    }

    /// Reports the end of a loss if the quiet period is over at `now`.
    pub(crate) fn review_health(&self, now: Instant) {
        self.update_health(false, None, now);
    }

    /// Returns the time of the next [`review_health`](Self::review_health), if one is due.
    pub(crate) fn review_at(&self) -> Option<Instant> {
        lock(&self.health).recovers_at()
    }

    fn update_health(&self, has_delivered: bool, reason: Option<&str>, now: Instant) {
        let mut health = lock(&self.health);
        // Read under the lock, so that a newer sum is not followed by an older one.
        let lost = self.dropped.0.load(Ordering::Acquire) + lock(&self.settled).failed;
        let Some(change) = health.observe(lost, has_delivered, now) else { return };
        self.is_loss_known.store(change == HealthChange::Failing, Ordering::Release);
        drop(health);
        contain_log_writer(|| (self.on_change)(&change, reason.unwrap_or(QUEUE_FULL)));
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").field("snapshot", &self.snapshot()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(model_checks)))]
mod tests;
