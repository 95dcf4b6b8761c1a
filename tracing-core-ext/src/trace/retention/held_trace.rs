//! The spans of one trace that wait for a decision.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use opentelemetry::TraceId;

use super::policy::HoldLimits;
use crate::trace::record::pool::PooledRecord;

/// This service's part of a trace, until the last of its local roots has ended.
#[derive(Debug)]
pub(crate) struct HeldTrace {
    pub(super) trace_id: TraceId,
    pub(super) started: Instant,
    pub(super) limits: HoldLimits,
    state: Mutex<HeldState>,
}

#[derive(Debug, Default)]
pub(super) struct HeldState {
    /// Number of local roots that have not ended. There are several if a trace calls this service more than once.
    pub(super) open_roots: usize,
    /// Ended spans that wait, and their memory.
    pub(super) waiting: Vec<PooledRecord>,
    pub(super) bytes: usize,
    pub(super) decision: Option<bool>,
    pub(super) has_failed: bool,
    /// Whether spans no longer wait, because the trace is too old.
    pub(super) is_expired: bool,
    /// Whether a failed span decides at once.
    pub(super) is_kept_if_failed: bool,
    /// Time after which the trace is slow in any case.
    pub(super) is_slow_after: Option<Duration>,
}

impl HeldTrace {
    pub(super) fn new(trace_id: TraceId, limits: HoldLimits) -> Self {
        Self { trace_id, started: Instant::now(), limits, state: Mutex::default() }
    }

    /// Returns whether the trace is kept, or `None` if that is not decided.
    pub(crate) fn decision(&self) -> Option<bool> {
        self.state().decision
    }

    pub(super) fn state(&self) -> MutexGuard<'_, HeldState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeldState {
    /// Takes the waiting spans out, and returns them with their memory.
    pub(super) fn take_waiting(&mut self) -> (Vec<PooledRecord>, usize) {
        (std::mem::take(&mut self.waiting), std::mem::take(&mut self.bytes))
    }
}
