//! The spans of one trace that wait for a decision.

use std::time::{Duration, Instant};

use opentelemetry::TraceId;

use super::policy::HoldLimits;
use crate::{
    base::sync::{Mutex, MutexGuard, lock},
    logs::{LogRecord, Logger},
    trace::record::pool::PooledRecord,
};

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
    pub(super) waiting: Waiting,
    pub(super) decision: Option<bool>,
    pub(super) has_failed: bool,
    /// Whether nothing waits any longer, because the trace is too old or the provider is shut down.
    pub(super) is_expired: bool,
    /// Whether a failed span decides at once.
    pub(super) is_kept_if_failed: bool,
    /// Time after which the trace is slow in any case.
    pub(super) is_slow_after: Option<Duration>,
}

/// Spans and log records that wait for the decision about a trace.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Ended spans.
    pub(super) spans: Vec<PooledRecord>,
    pub(super) logs: Vec<HeldLog>,
    /// Memory of the spans and log records.
    pub(super) bytes: usize,
}

/// Log record of a span, and the logger that emits it.
#[derive(Debug)]
pub(crate) struct HeldLog {
    pub(super) logger: Logger,
    pub(super) record: LogRecord,
}

impl HeldLog {
    /// Emits the record with the sampled flag that the decision gave it.
    pub(crate) fn emit(self) {
        self.logger.emit(self.record);
    }
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
        lock(&self.state)
    }
}

impl HeldState {
    /// Takes out what waits.
    pub(super) fn take_waiting(&mut self) -> Waiting {
        std::mem::take(&mut self.waiting)
    }
}
