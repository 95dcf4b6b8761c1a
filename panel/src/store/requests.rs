//! List of requests, for the computation of rates and percentiles.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::counters::Usage;
use crate::model::{Nanos, Span, SpanId, TraceId};

/// Maximum number of separate operations. Further ones are counted together.
const MOST_OPERATIONS: usize = 4096;
const OTHERS: &str = "(other operations)";

/// Request, message or root of a trace. It is stored longer than its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Start.
    pub start: Nanos,
    /// Duration in nanoseconds.
    pub duration: u64,
    /// Trace of the request.
    pub trace_id: TraceId,
    /// Span of the request.
    pub span_id: SpanId,
    /// Operation.
    pub operation: OperationId,
    /// Whether the request failed.
    pub failed: bool,
}

/// Index of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(u32);

/// Service and route, or service and name of a span.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Service.
    pub service: Arc<str>,
    /// Method and route, or else the name of the span.
    pub name: Arc<str>,
}

#[derive(Debug)]
pub(super) struct Requests {
    most: usize,
    requests: VecDeque<Request>,
    operations: Vec<Operation>,
    ids: HashMap<Operation, OperationId>,
}

impl Requests {
    pub(super) fn new(limit: usize) -> Self {
        let others = Operation { service: "".into(), name: OTHERS.into() };
        Self {
            most: (limit / size_of::<Request>()).max(1),
            requests: VecDeque::new(),
            operations: vec![others],
            ids: HashMap::new(),
        }
    }

    pub(super) fn add(&mut self, span: &Span) {
        let request = Request {
            start: span.start,
            duration: span.duration(),
            trace_id: span.trace_id,
            span_id: span.id,
            operation: self.operation_id(span),
            failed: span.is_error(),
        };
        if self.requests.len() >= self.most {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    fn operation_id(&mut self, span: &Span) -> OperationId {
        let operation =
            Operation { service: Arc::clone(span.service()), name: span.operation().into() };
        if let Some(id) = self.ids.get(&operation) {
            return *id;
        }
        if self.operations.len() >= MOST_OPERATIONS {
            return OperationId(0);
        }
        let id = OperationId(self.operations.len() as u32);
        self.operations.push(operation.clone());
        self.ids.insert(operation, id);
        id
    }

    /// Iterates over requests, last received first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().rev()
    }

    pub(super) fn operation(&self, id: OperationId) -> &Operation {
        &self.operations[id.0 as usize]
    }

    pub(super) fn clear(&mut self) {
        self.requests.clear();
    }

    pub(super) fn usage(&self) -> Usage {
        let size = size_of::<Request>();
        let entries = self.requests.len();
        Usage { name: "requests", entries, bytes: entries * size, limit: self.most * size }
    }
}
