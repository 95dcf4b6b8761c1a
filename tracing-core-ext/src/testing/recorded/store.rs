//! Ended spans and log records of one test or one collector.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use opentelemetry::{TraceId, trace::SpanId};
use opentelemetry_sdk::trace::SpanData;

use crate::{logs::LogRecord, testing::collector::request::ReceivedRequest};

/// Spans and log records, and those who wait for them.
#[derive(Debug, Default)]
pub(crate) struct Store {
    state: Mutex<State>,
    changed: Condvar,
}

/// Spans, log records and requests that have arrived.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Ended spans, in the order in which they ended.
    pub(crate) spans: Vec<StoredSpan>,
    /// Number of open spans by trace.
    pub(crate) open: HashMap<TraceId, usize>,
    pub(crate) logs: Vec<LogRecord>,
    /// Requests of a collector.
    pub(crate) requests: Vec<ReceivedRequest>,
    wakers: Vec<Waker>,
}

/// An ended span, and the service that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct StoredSpan {
    pub(crate) service: Arc<str>,
    pub(crate) data: Arc<SpanData>,
}

impl StoredSpan {
    pub(crate) fn id(&self) -> SpanId {
        self.data.span_context.span_id()
    }

    pub(crate) fn trace_id(&self) -> TraceId {
        self.data.span_context.trace_id()
    }
}

impl State {
    /// Returns the number of spans that have not ended.
    pub(crate) fn open_spans(&self) -> usize {
        self.open.values().sum()
    }

    /// Returns the ended spans of each trace, in the order of the starts of the traces.
    pub(crate) fn traces(&self) -> Vec<Vec<StoredSpan>> {
        let mut traces: Vec<Vec<StoredSpan>> = Vec::new();
        for span in &self.spans {
            match traces.iter_mut().find(|trace| trace[0].trace_id() == span.trace_id()) {
                Some(trace) => trace.push(span.clone()),
                None => traces.push(vec![span.clone()]),
            }
        }
        let start = |trace: &Vec<StoredSpan>| trace.iter().map(|it| it.data.start_time).min();
        traces.sort_by_key(start);
        traces
    }
}

impl Store {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes those who wait.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Wakes a task at the next change. The caller holds the lock, so no change is missed.
    pub(crate) fn wake_at_change(state: &mut State, waker: &Waker) {
        if !state.wakers.iter().any(|other| other.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
    }

    /// Blocks the thread until the next change, at most this long.
    pub(crate) fn block_until_change<'a>(
        &self,
        state: MutexGuard<'a, State>,
        timeout: Duration,
    ) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, timeout);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
