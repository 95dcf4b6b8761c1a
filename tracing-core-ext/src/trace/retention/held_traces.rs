//! Traces of a provider that wait for a decision.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    hash::BuildHasherDefault,
    sync::{Arc, Weak},
    time::Instant,
};

use opentelemetry::TraceId;
use rustc_hash::FxHasher;

use super::{
    held_trace::{HeldLog, HeldState, HeldTrace, Waiting},
    policy::{HoldLimits, Retention},
};
use crate::{
    base::sync::{AtomicBool, AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering, lock},
    logs::{LogRecord, Logger},
    trace::record::pool::{self, PooledRecord},
};

/// Number of locks. A trace uses the one that its ID selects.
const SHARDS: usize = 16;

/// Number of entries of ended traces that a shard keeps at least.
const MIN_CLEAN_UP: usize = 64;

/// Traces that wait for a decision, and the memory of their spans and log records.
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
    /// Memory of the spans and log records that wait, in bytes.
    pub(crate) waiting_bytes: usize,
}

/// Spans of kept traces, and log records of decided ones. They are passed on without a lock, because a processor may
/// emit log records of the same trace.
#[derive(Debug, Default)]
#[must_use = "the spans and log records are lost"]
pub(crate) struct Settled {
    pub(crate) spans: Vec<PooledRecord>,
    pub(crate) logs: Vec<HeldLog>,
}

impl HeldTraces {
    /// Adds a local root of a trace.
    pub(crate) fn open(
        &self,
        trace_id: TraceId,
        retention: Option<&Retention>,
        is_late: bool,
    ) -> (Arc<HeldTrace>, Settled) {
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
        let settled = self.expire(&mut shard);
        drop(shard);
        (trace, settled)
    }

    /// Returns the trace, if it waits or has open local roots.
    #[inline]
    pub(crate) fn find(&self, trace_id: TraceId) -> Option<Arc<HeldTrace>> {
        if self.open.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.shard(trace_id).traces.get(&trace_id).cloned()
    }

    /// Ends a span that is no local root.
    pub(crate) fn end_child(
        &self,
        trace: &HeldTrace,
        record: PooledRecord,
        has_failed: bool,
    ) -> Settled {
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
            None => self.wait(state, trace.limits, record),
        }
    }

    /// Ends a local root.
    pub(crate) fn end_root(
        &self,
        trace: &HeldTrace,
        record: PooledRecord,
        is_kept: bool,
    ) -> Settled {
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
            return self.wait(state, trace.limits, record);
        }
        state.decision = Some(false);
        let waiting = state.take_waiting();
        drop(state);
        self.counts.discarded.fetch_add(1, Ordering::Relaxed);
        pool::put(record);
        self.discard_all(&self.counts.discarded, waiting, trace.limits)
    }

    /// Emits a log record, or stores it until the decision about its trace, which sets its sampled flag. A record that
    /// does not fit into the memory is emitted without the flag.
    pub(crate) fn emit(&self, logger: &Logger, mut record: LogRecord) {
        if let Some(trace) = record.span.and_then(|span| self.find(span.trace_id)) {
            let bytes = record.size_bytes();
            let mut state = trace.state();
            let can_wait = state.decision.is_none() && !state.is_expired;
            if can_wait && self.reserve(bytes, trace.limits) {
                state.waiting.bytes += bytes;
                state.waiting.logs.push(HeldLog { logger: logger.clone(), record });
                return;
            }
            record.set_sampled(state.decision == Some(true));
        }
        logger.emit(record);
    }

    /// Whether any span of the trace has failed so far.
    pub(crate) fn has_failed(&self, trace: &HeldTrace) -> bool {
        trace.state().has_failed
    }

    /// Discards the spans of traces that are open for too long. Returns those that are kept because the trace is slow.
    pub(crate) fn expire_all(&self) -> Settled {
        let mut settled = Settled::default();
        self.shards.iter().for_each(|shard| settled.append(self.expire(&mut lock(shard))));
        settled
    }

    /// Discards all spans that wait, and those of the same traces that end later.
    pub(crate) fn discard_undecided(&self) -> Settled {
        let mut settled = Settled::default();
        for shard in &self.shards {
            for trace in lock(shard).traces.values() {
                let mut state = trace.state();
                state.is_expired = true;
                let waiting = state.take_waiting();
                drop(state);
                settled.append(self.discard_all(&self.counts.discarded, waiting, trace.limits));
            }
        }
        settled
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
    ) -> Settled {
        state.decision = Some(true);
        let Waiting { mut spans, logs, bytes } = state.take_waiting();
        drop(state);
        self.release(bytes, limits);
        spans.extend(last);
        self.counts.kept.fetch_add(spans.len() as u64, Ordering::Relaxed);
        Settled { spans, logs: with_sampled(logs, true) }
    }

    fn discard(&self, count: &AtomicU64, record: PooledRecord) -> Settled {
        count.fetch_add(1, Ordering::Relaxed);
        pool::put(record);
        Settled::default()
    }

    /// Discards the spans. The log records remain, without the sampled flag.
    fn discard_all(&self, count: &AtomicU64, waiting: Waiting, limits: HoldLimits) -> Settled {
        let Waiting { spans, logs, bytes } = waiting;
        self.release(bytes, limits);
        count.fetch_add(spans.len() as u64, Ordering::Relaxed);
        spans.into_iter().for_each(pool::put);
        Settled { spans: Vec::new(), logs: with_sampled(logs, false) }
    }

    /// Stores a span until the decision, if there is memory.
    fn wait(
        &self,
        mut state: MutexGuard<'_, HeldState>,
        limits: HoldLimits,
        record: PooledRecord,
    ) -> Settled {
        let bytes = record.size_bytes();
        if self.reserve(bytes, limits) {
            state.waiting.bytes += bytes;
            state.waiting.spans.push(record);
            return Settled::default();
        }
        // The warning is a log record, which may be one of this trace.
        drop(state);
        if !self.is_full.swap(true, Ordering::Relaxed) {
            let max_bytes = limits.bytes;
            tracing::warn!(
                max_bytes,
                "the spans of undecided traces take all of their memory: further ones are discarded, except local roots"
            );
        }
        self.discard(&self.counts.overflowed, record)
    }

    /// Whether there was memory for a span or a log record.
    fn reserve(&self, bytes: usize, limits: HoldLimits) -> bool {
        let reserve = |used: usize| used.checked_add(bytes).filter(|used| *used <= limits.bytes);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve).is_ok()
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

    fn expire(&self, shard: &mut Shard) -> Settled {
        let mut settled = Settled::default();
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
                settled.append(self.keep(state, trace.limits, None));
                continue;
            }
            state.is_expired = true;
            let waiting = state.take_waiting();
            drop(state);
            settled.append(self.discard_all(&self.counts.expired, waiting, trace.limits));
        }
        settled
    }

    fn shard(&self, trace_id: TraceId) -> MutexGuard<'_, Shard> {
        let last = trace_id.to_bytes()[15];
        lock(&self.shards[usize::from(last) % SHARDS])
    }
}

impl Settled {
    fn append(&mut self, other: Self) {
        self.spans.extend(other.spans);
        self.logs.extend(other.logs);
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

fn with_sampled(mut logs: Vec<HeldLog>, is_sampled: bool) -> Vec<HeldLog> {
    logs.iter_mut().for_each(|log| log.record.set_sampled(is_sampled));
    logs
}

impl fmt::Debug for HeldTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts().fmt(f)
    }
}
