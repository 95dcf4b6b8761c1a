//! Results of exports, and their sums.

/// Result of one export. A number above the size of the batch counts as the whole batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Number of items that did not arrive, without the rejected ones.
    pub(crate) failed: u64,
    /// Number of items that the destination has refused.
    pub(crate) rejected: u64,
    /// Number of items that were removed by a hook before the export.
    pub(crate) removed: u64,
    /// Reason why items are lost.
    pub(crate) reason: Option<String>,
}

/// Consistent counts at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// Number of items that arrived, as far as the exporter has reported until now.
    pub(crate) delivered: u64,
    /// Number of items that were dropped because the queue was full or closed.
    pub(crate) dropped: u64,
    /// Number of items whose export failed, the rejected ones included.
    pub(crate) failed: u64,
    /// Number of items that the destination has refused, or that the exporter has accepted and
    /// lost.
    pub(crate) rejected: u64,
    /// Number of items that were removed by a hook before the export. They are not lost.
    pub(crate) removed: u64,
    /// Number of items that were ever delivered. Unlike `delivered`, it never falls.
    pub(crate) delivered_total: u64,
    /// Number of items in the queue, those being exported included.
    pub(crate) waiting: u64,
    /// Size of the waiting items in memory.
    pub(crate) waiting_bytes: u64,
    /// Reason of the last failed export.
    pub(crate) last_error: Option<String>,
    /// Whether the last export lost an item.
    pub(crate) has_failed_last: bool,
}

impl Outcome {
    /// Result of an export that delivered everything.
    pub(crate) fn delivered() -> Self {
        Self::default()
    }

    /// Result of an export that delivered nothing.
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self { failed: u64::MAX, reason: Some(reason.into()), ..Self::default() }
    }

    /// Result of an export of which the destination has refused some items.
    pub(crate) fn rejected(items: u64, reason: impl Into<String>) -> Self {
        Self { rejected: items, reason: Some(reason.into()), ..Self::default() }
    }

    /// Limits the losses to those of `items` items. Without a loss there is no reason.
    pub(crate) fn of_items(self, items: u64) -> Self {
        let (lost, rejected) = self.lost_of(items);
        let reason = self.reason.filter(|_| lost > 0);
        Self { failed: lost - rejected, rejected, removed: self.removed, reason }
    }

    /// Adds the result for other items of the same batch. The first reason is kept.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            failed: self.failed.saturating_add(other.failed),
            rejected: self.rejected.saturating_add(other.rejected),
            removed: self.removed.saturating_add(other.removed),
            reason: self.reason.or(other.reason),
        }
    }

    /// Returns the number of lost items, and the number of those that were rejected.
    pub(super) fn lost_of(&self, items: u64) -> (u64, u64) {
        let lost = self.failed.saturating_add(self.rejected).min(items);
        (lost, self.rejected.min(lost))
    }
}

impl Snapshot {
    /// Number of items lost for any reason.
    pub(crate) fn lost(&self) -> u64 {
        self.dropped + self.failed
    }

    /// Number of items that were offered to the queue, accepted or not.
    pub(crate) fn offered(&self) -> u64 {
        self.delivered + self.lost() + self.removed + self.waiting
    }
}
