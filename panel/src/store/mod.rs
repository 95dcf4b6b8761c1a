//! Telemetry in memory with a limit in bytes.

mod counters;
mod kept;
mod live;
mod logs;
mod metrics;
mod requests;
mod running;
mod search;
mod trace;
mod traces;

use std::{
    ops::Deref,
    sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

pub use self::{
    counters::{Counters, Signal, SignalCounters, Usage},
    live::{LiveEvent, LiveGuard},
    logs::LogHit,
    metrics::{Instrument, InstrumentKey, Series},
    requests::{Operation, OperationId, Request},
    running::{Running, RunningRequest},
    search::{Order, TraceHit, TraceSearch},
    trace::{Trace, TraceSummary},
};
use self::{live::Live, logs::Logs, metrics::Metrics, requests::Requests, traces::Traces};
use crate::{
    model::{Interner, LogRecord, MetricPoint, Span, TraceId},
    query::Query,
};

/// Default limit of memory of [`Store::default`], in bytes.
pub const DEFAULT_MEMORY: usize = 256 << 20;

/// Spans, log records and metric points in memory.
///
/// The limit is divided: 10/16 for traces, 3/16 for log records, 2/16 for metric points, 1/16 for
/// the list of requests. If a part is full, its oldest entries are dropped. The slowest and the
/// last failed traces of each operation are kept longer, in a quarter of the memory for traces.
#[derive(Clone, Debug)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    memory: usize,
    interner: std::sync::Mutex<Interner>,
    signals: RwLock<Signals>,
    live: Live,
    running: Running,
    counters: Counters,
}

#[derive(Debug)]
struct Signals {
    traces: Traces,
    requests: Requests,
    logs: Logs,
    metrics: Metrics,
}

impl Default for Store {
    fn default() -> Self {
        Self::new(DEFAULT_MEMORY)
    }
}

impl Store {
    /// Returns an empty store with this approximate limit of memory, in bytes.
    pub fn new(memory: usize) -> Self {
        let part = |sixteenths: usize| memory / 16 * sixteenths;
        let signals = Signals {
            traces: Traces::new(part(10)),
            requests: Requests::new(part(1)),
            logs: Logs::new(part(3)),
            metrics: Metrics::new(part(2)),
        };
        Self(Arc::new(Shared {
            memory,
            interner: std::sync::Mutex::default(),
            signals: RwLock::new(signals),
            live: Live::default(),
            running: Running::default(),
            counters: Counters::default(),
        }))
    }

    /// Calls the function with the table of shared strings.
    pub fn intern<T>(&self, read: impl FnOnce(&mut Interner) -> T) -> T {
        let mut interner = self.0.interner.lock().unwrap_or_else(|error| error.into_inner());
        read(&mut interner)
    }

    /// Stores ended spans. Returns the number of spans that are not stored, because their trace has
    /// the maximum number of spans.
    pub fn add_spans(&self, spans: Vec<Span>) -> usize {
        let received = spans.len();
        let mut rejected = 0;
        let mut signals = self.write();
        for span in spans.into_iter().map(Arc::new) {
            match signals.traces.add(&span) {
                traces::Added::Stored if span.is_entry() => signals.requests.add(&span),
                traces::Added::Stored | traces::Added::Duplicate => {}
                traces::Added::Rejected => rejected += 1,
            }
            if span.is_entry() {
                self.0.running.end(span.id);
            }
            self.0.live.span(&span);
        }
        let evicted = signals.traces.evict();
        drop(signals);
        let counters = &self.0.counters.traces;
        counters.add(received - rejected, rejected, evicted);
        rejected
    }

    /// Stores log records.
    pub fn add_logs(&self, records: Vec<LogRecord>) {
        let received = records.len();
        let mut signals = self.write();
        for record in records {
            let record = Arc::new(record);
            signals.logs.add(Arc::clone(&record));
            self.0.live.log(record);
        }
        let evicted = signals.logs.evict();
        drop(signals);
        self.0.counters.logs.add(received, 0, evicted);
    }

    /// Stores metric points. Returns the number of points that are not stored, because the maximum
    /// number of series is reached.
    pub fn add_points(&self, points: Vec<MetricPoint>) -> usize {
        let received = points.len();
        let mut signals = self.write();
        let added = points.into_iter().filter_map(|point| signals.metrics.add(point)).count();
        let evicted = signals.metrics.evict();
        drop(signals);
        self.0.counters.metrics.add(added, received - added, evicted);
        received - added
    }

    /// Returns a view of the store. Additions wait until it is dropped.
    pub fn read(&self) -> Snapshot<'_> {
        let signals = self.0.signals.read().unwrap_or_else(|error| error.into_inner());
        Snapshot { signals }
    }

    /// Removes all entries.
    pub fn clear(&self) {
        let mut signals = self.write();
        signals.traces.clear();
        signals.requests.clear();
        signals.logs.clear();
        signals.metrics.clear();
    }

    /// Returns the counters of received and dropped telemetry.
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Returns the running requests.
    pub fn running(&self) -> &Running {
        &self.0.running
    }

    /// Returns the limit of memory in bytes.
    pub fn memory(&self) -> usize {
        self.0.memory
    }

    /// Subscribes to new spans and records. Returns `None` if there are too many subscribers.
    pub fn subscribe(&self) -> Option<LiveGuard> {
        self.0.live.subscribe()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Signals> {
        self.0.signals.write().unwrap_or_else(|error| error.into_inner())
    }
}

/// View of the store at one point in time.
#[derive(Debug)]
pub struct Snapshot<'a> {
    signals: RwLockReadGuard<'a, Signals>,
}

impl Snapshot<'_> {
    /// Returns a trace.
    pub fn trace(&self, id: TraceId) -> Option<&Trace> {
        self.signals.traces.find(id)
    }

    /// Iterates over traces, last received first.
    pub fn traces(&self) -> impl Iterator<Item = &Trace> {
        self.signals.traces.iter()
    }

    /// Returns the traces that match.
    pub fn search(&self, search: &TraceSearch) -> Vec<TraceHit> {
        search::search(&self.signals.traces, search)
    }

    /// Iterates over requests, last received first.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.signals.requests.iter()
    }

    /// Returns the operation of a request.
    pub fn operation(&self, id: OperationId) -> &Operation {
        self.signals.requests.operation(id)
    }

    /// Returns the matching log records, last received first, and whether there are more.
    pub fn logs(&self, query: &Query, before: Option<u64>, most: usize) -> (Vec<LogHit>, bool) {
        self.signals.logs.search(query, before, most)
    }

    /// Iterates over all log records, last received first.
    pub fn all_logs(&self) -> impl Iterator<Item = &Arc<LogRecord>> {
        self.signals.logs.iter()
    }

    /// Returns the log records of a trace, sorted by time.
    pub fn logs_of(&self, trace: TraceId) -> Vec<Arc<LogRecord>> {
        self.signals.logs.of_trace(trace)
    }

    /// Iterates over metrics, sorted by service and name.
    pub fn instruments(&self) -> impl Iterator<Item = (&InstrumentKey, &Instrument)> {
        self.signals.metrics.iter()
    }

    /// Returns a metric.
    pub fn instrument(&self, key: &InstrumentKey) -> Option<&Instrument> {
        self.signals.metrics.find(key)
    }

    /// Returns the estimated memory of each part and its limit, in bytes.
    pub fn usage(&self) -> [Usage; 4] {
        let signals = self.signals.deref();
        [
            signals.traces.usage(),
            signals.logs.usage(),
            signals.metrics.usage(),
            signals.requests.usage(),
        ]
    }
}

#[cfg(test)]
mod tests;
