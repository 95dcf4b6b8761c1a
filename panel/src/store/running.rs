//! Running requests.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::model::{Nanos, SpanId, TraceId};

/// Maximum number of requests in the table.
const MOST_REQUESTS: usize = 10_000;

/// Running requests of this process.
#[derive(Debug, Default)]
pub struct Running {
    requests: Mutex<HashMap<SpanId, RunningRequest>>,
    count: AtomicUsize,
    unlisted: AtomicU64,
}

/// Running request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningRequest {
    /// Trace of the request.
    pub trace_id: TraceId,
    /// Span of the request.
    pub span_id: SpanId,
    /// Service that handles the request.
    pub service: Arc<str>,
    /// Method and path.
    pub name: Box<str>,
    /// Start.
    pub start: Nanos,
}

impl Running {
    /// Adds a request. If the table is full, the request is only counted.
    pub fn begin(&self, request: RunningRequest) {
        let mut requests = self.lock();
        if requests.len() >= MOST_REQUESTS {
            self.unlisted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        requests.insert(request.span_id, request);
        self.count.store(requests.len(), Ordering::Relaxed);
    }

    /// Removes the request with this span, if it is in the table.
    pub fn end(&self, span: SpanId) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut requests = self.lock();
        requests.remove(&span);
        self.count.store(requests.len(), Ordering::Relaxed);
    }

    /// Returns the requests, oldest first.
    pub fn list(&self) -> Vec<RunningRequest> {
        let mut requests: Vec<_> = self.lock().values().cloned().collect();
        requests.sort_by_key(|request| (request.start, request.span_id));
        requests
    }

    /// Returns the number of requests since the start that did not fit into the table.
    pub fn unlisted(&self) -> u64 {
        self.unlisted.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SpanId, RunningRequest>> {
        self.requests.lock().unwrap_or_else(|error| error.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::Store,
        testing::{span, span_id, trace_id},
    };

    fn request(number: u64) -> RunningRequest {
        RunningRequest {
            trace_id: trace_id(number.into()),
            span_id: span_id(number),
            service: "gateway".into(),
            name: "GET /slow".into(),
            start: 1_000 - number,
        }
    }

    #[test]
    fn requests_are_listed_from_the_oldest_until_they_end() {
        let running = Running::default();
        (1..=3).for_each(|number| running.begin(request(number)));
        running.end(span_id(2));
        running.end(span_id(7));
        assert_eq!(running.list(), [request(3), request(1)]);
    }

    #[test]
    fn a_stored_span_ends_its_request() {
        let store = Store::default();
        let finished = span("gateway", "GET /slow");
        store.running().begin(RunningRequest { span_id: finished.id, ..request(1) });
        store.add_spans(vec![finished]);
        assert_eq!(store.running().list(), []);
    }

    #[test]
    fn a_full_table_counts_further_requests() {
        let running = Running::default();
        (1..=MOST_REQUESTS as u64 + 2).for_each(|number| {
            running.begin(RunningRequest { start: number, ..request(1) });
            running.begin(RunningRequest { span_id: span_id(number), ..request(1) });
        });
        assert_eq!(running.list().len(), MOST_REQUESTS);
        assert!(running.unlisted() >= 2);
    }
}
