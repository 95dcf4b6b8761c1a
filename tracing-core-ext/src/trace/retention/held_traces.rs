//! Traces of a provider that wait for a decision.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    hash::BuildHasherDefault,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use opentelemetry::TraceId;
use rustc_hash::FxHasher;

use super::{
    held_trace::{HeldState, HeldTrace},
    policy::{HoldLimits, Retention},
};
use crate::trace::record::pool::{self, PooledRecord};

/// Number of locks. A trace uses the one that its ID selects.
const SHARDS: usize = 16;

/// Number of entries of ended traces that a shard keeps at least.
const MIN_CLEAN_UP: usize = 64;

/// Traces that wait for a decision, and the memory of their spans.
#[derive(Default)]
pub(crate) struct HeldTraces {
    shards: [Mutex<Shard>; SHARDS],
    /// Number of traces, so that a provider without any takes no lock.
    open: AtomicUsize,
    bytes: AtomicUsize,
    is_full: AtomicBool,
    counts: Counts,
}

#[derive(Default)]
struct Shard {
    traces: HashMap<TraceId, Arc<HeldTrace>, BuildHasherDefault<FxHasher>>,
    /// Traces in the order of their start.
    oldest: VecDeque<(Instant, Weak<HeldTrace>)>,
}

#[derive(Default)]
struct Counts {
    kept: AtomicU64,
    discarded: AtomicU64,
    overflowed: AtomicU64,
    expired: AtomicU64,
}

/// Number of spans by what has become of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeldCounts {
    /// Spans of traces that are kept.
    pub(crate) kept: u64,
    /// Spans of traces that are not kept.
    pub(crate) discarded: u64,
    /// Spans that did not fit into the memory.
    pub(crate) overflowed: u64,
    /// Spans of traces that were open for too long.
    pub(crate) expired: u64,
    /// Memory of the spans that wait, in bytes.
    pub(crate) waiting_bytes: usize,
}

/// Spans that are about to be exported.
pub(crate) type Kept = Vec<PooledRecord>;

impl HeldTraces {
    /// Adds a local root of a trace.
    pub(crate) fn open(
        &self,
        trace_id: TraceId,
        retention: Option<&Retention>,
        is_late: bool,
    ) -> (Arc<HeldTrace>, Kept) {
        let limits = retention.map_or(HoldLimits::DEFAULT, |retention| retention.limits);
        let mut shard = self.shard(trace_id);
        let trace = match shard.traces.get(&trace_id) {
            Some(trace) => Arc::clone(trace),
            None => {
                let trace = Arc::new(HeldTrace::new(trace_id, limits));
                shard.oldest.push_back((trace.started, Arc::downgrade(&trace)));
                shard.traces.insert(trace_id, Arc::clone(&trace));
                self.open.fetch_add(1, Ordering::Relaxed);
                trace
            }
        };
        let mut state = trace.state();
        state.open_roots += 1;
        if let Some(retention) = retention.filter(|_| !is_late) {
            state.is_kept_if_failed |= retention.keeps_failed;
            state.is_slow_after = state.is_slow_after.or(retention.always_slow_after());
        }
        drop(state);
        let kept = self.expire(&mut shard);
        drop(shard);
        (trace, kept)
    }

    /// Returns the trace, if it waits or has open local roots.
    #[inline]
    pub(crate) fn find(&self, trace_id: TraceId) -> Option<Arc<HeldTrace>> {
        if self.open.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.shard(trace_id).traces.get(&trace_id).cloned()
    }

    /// Ends a span that is no local root. Returns the spans that are kept by now.
    pub(crate) fn end_child(
        &self,
        trace: &HeldTrace,
        record: PooledRecord,
        has_failed: bool,
    ) -> Kept {
        let mut state = trace.state();
        state.has_failed |= has_failed;
        let is_slow = |slow| trace.started.elapsed() > slow;
        let is_kept =
            (has_failed && state.is_kept_if_failed) || state.is_slow_after.is_some_and(is_slow);
        if state.decision.is_none() && is_kept {
            return self.keep(state, trace.limits, Some(record));
        }
        match state.decision {
            Some(true) => self.keep(state, trace.limits, Some(record)),
            Some(false) => self.discard(&self.counts.discarded, record),
            None if state.is_expired => self.discard(&self.counts.expired, record),
            None => self.wait(&mut state, trace.limits, record),
        }
    }

    /// Ends a local root. Returns the spans that are kept by now.
    pub(crate) fn end_root(&self, trace: &HeldTrace, record: PooledRecord, is_kept: bool) -> Kept {
        let mut shard = self.shard(trace.trace_id);
        let mut state = trace.state();
        state.open_roots -= 1;
        let is_last = state.open_roots == 0;
        if is_last {
            shard.remove(trace.trace_id);
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
        drop(shard);
        if is_kept || state.decision == Some(true) {
            return self.keep(state, trace.limits, Some(record));
        }
        if !is_last {
            return self.wait(&mut state, trace.limits, record);
        }
        state.decision = Some(false);
        let (waiting, bytes) = state.take_waiting();
        drop(state);
        self.release(bytes, trace.limits);
        waiting.into_iter().chain([record]).for_each(|record| {
            self.discard(&self.counts.discarded, record);
        });
        Kept::new()
    }

    /// Whether any span of the trace has failed so far.
    pub(crate) fn has_failed(&self, trace: &HeldTrace) -> bool {
        trace.state().has_failed
    }

    /// Discards the spans of traces that are open for too long. Returns those that are kept because the trace is slow.
    pub(crate) fn expire_all(&self) -> Kept {
        let shards = self.shards.iter().map(lock);
        shards.flat_map(|mut shard| self.expire(&mut shard)).collect()
    }

    /// Returns the number of spans by what has become of them.
    pub(crate) fn counts(&self) -> HeldCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        HeldCounts {
            kept: read(&self.counts.kept),
            discarded: read(&self.counts.discarded),
            overflowed: read(&self.counts.overflowed),
            expired: read(&self.counts.expired),
            waiting_bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    /// Returns the number of entries about traces that wait or have waited.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).oldest.len()).sum()
    }

    fn keep(
        &self,
        mut state: MutexGuard<'_, HeldState>,
        limits: HoldLimits,
        last: Option<PooledRecord>,
    ) -> Kept {
        state.decision = Some(true);
        let (mut kept, bytes) = state.take_waiting();
        drop(state);
        self.release(bytes, limits);
        kept.extend(last);
        self.counts.kept.fetch_add(kept.len() as u64, Ordering::Relaxed);
        kept
    }

    fn discard(&self, count: &AtomicU64, record: PooledRecord) -> Kept {
        count.fetch_add(1, Ordering::Relaxed);
        pool::put(record);
        Kept::new()
    }

    /// Stores a span until the decision, if there is memory.
    fn wait(&self, state: &mut HeldState, limits: HoldLimits, record: PooledRecord) -> Kept {
        let bytes = record.size_bytes();
        let reserve = |used: usize| used.checked_add(bytes).filter(|used| *used <= limits.bytes);
        if self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve).is_err() {
            if !self.is_full.swap(true, Ordering::Relaxed) {
                let max_bytes = limits.bytes;
                tracing::warn!(
                    max_bytes,
                    "the spans of undecided traces take all of their memory: further ones are discarded, except local roots"
                );
            }
            return self.discard(&self.counts.overflowed, record);
        }
        state.bytes += bytes;
        state.waiting.push(record);
        Kept::new()
    }

    fn release(&self, bytes: usize, limits: HoldLimits) {
        if bytes == 0 {
            return;
        }
        let used = self.bytes.fetch_sub(bytes, Ordering::Relaxed) - bytes;
        // The next shortage is logged when this one is clearly over.
        if used <= limits.bytes / 2 {
            self.is_full.store(false, Ordering::Relaxed);
        }
    }

    fn expire(&self, shard: &mut Shard) -> Kept {
        let mut kept = Kept::new();
        while let Some((started, trace)) = shard.oldest.front() {
            let Some(trace) = trace.upgrade() else {
                shard.oldest.pop_front();
                continue;
            };
            let age = started.elapsed();
            if age < trace.limits.age {
                break;
            }
            shard.oldest.pop_front();
            let mut state = trace.state();
            if state.decision.is_some() {
                continue;
            }
            if state.is_slow_after.is_some_and(|slow| age > slow) {
                kept.extend(self.keep(state, trace.limits, None));
                continue;
            }
            state.is_expired = true;
            let (waiting, bytes) = state.take_waiting();
            drop(state);
            self.release(bytes, trace.limits);
            waiting.into_iter().for_each(|record| {
                self.discard(&self.counts.expired, record);
            });
        }
        kept
    }

    fn shard(&self, trace_id: TraceId) -> MutexGuard<'_, Shard> {
        let last = trace_id.to_bytes()[15];
        lock(&self.shards[usize::from(last) % SHARDS])
    }
}

impl Shard {
    /// Removes a trace. The list of the oldest traces is cleaned up when most of its entries are gone.
    fn remove(&mut self, trace_id: TraceId) {
        self.traces.remove(&trace_id);
        if self.oldest.len() > 2 * self.traces.len() + MIN_CLEAN_UP {
            self.oldest.retain(|(_, trace)| trace.strong_count() > 0);
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for HeldTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts().fmt(f)
    }
}
