//! Spans of one trace.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    model::{Kind, Nanos, Span, SpanId, TraceId},
    query::Signature,
};

/// Number of spans from which on identifiers are looked up in a table.
const LOOKUP_FROM: usize = 32;

/// Spans of one trace in the order in which they were received.
#[derive(Debug)]
pub struct Trace {
    id: TraceId,
    spans: Vec<Arc<Span>>,
    ids: Option<HashSet<SpanId>>,
    signature: Box<Signature>,
    start: Nanos,
    end: Nanos,
    errors: usize,
    root: usize,
    bytes: usize,
}

/// Trace as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSummary {
    /// Identifier.
    pub id: TraceId,
    /// Root, or the first span where the root is absent.
    pub root: Arc<Span>,
    /// Start of the first span.
    pub start: Nanos,
    /// Time from the start of the first span to the end of the last one, in nanoseconds.
    pub duration: u64,
    /// Number of spans.
    pub spans: usize,
    /// Number of failed spans.
    pub errors: usize,
    /// Services and their numbers of spans, in the order of their names.
    pub services: Vec<(Arc<str>, usize)>,
}

impl Trace {
    pub(super) fn new(id: TraceId) -> Self {
        Self {
            id,
            spans: Vec::new(),
            ids: None,
            signature: Box::default(),
            start: Nanos::MAX,
            end: 0,
            errors: 0,
            root: 0,
            bytes: size_of::<Self>() + size_of::<Signature>(),
        }
    }

    /// Adds a span; returns false where the trace has a span with this identifier.
    pub(super) fn add(&mut self, span: &Arc<Span>) -> bool {
        if !self.is_new(span.id) {
            return false;
        }
        self.signature.add(span);
        self.start = self.start.min(span.start);
        self.end = self.end.max(span.end);
        self.errors += usize::from(span.is_error());
        self.bytes += span.bytes() + size_of::<Arc<Span>>() + size_of::<usize>() * 2;
        let is_root = self.spans.get(self.root).is_none_or(|root| rank(span) < rank(root));
        self.spans.push(Arc::clone(span));
        if is_root {
            self.root = self.spans.len() - 1;
        }
        true
    }

    fn is_new(&mut self, id: SpanId) -> bool {
        if self.spans.len() < LOOKUP_FROM {
            return self.spans.iter().all(|span| span.id != id);
        }
        let ids = || self.spans.iter().map(|span| span.id).collect();
        let is_new = self.ids.get_or_insert_with(ids).insert(id);
        self.bytes += if is_new { 2 * size_of::<SpanId>() } else { 0 };
        is_new
    }

    /// Identifier.
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// Spans in the order in which they were received.
    pub fn spans(&self) -> &[Arc<Span>] {
        &self.spans
    }

    /// Returns the root, or the first span where the root is absent.
    pub fn root(&self) -> &Arc<Span> {
        &self.spans[self.root]
    }

    /// Start of the first span.
    pub fn start(&self) -> Nanos {
        self.start
    }

    /// Time from the start of the first span to the end of the last one, in nanoseconds.
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Number of failed spans.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Estimated memory in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Values that occur in the spans.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Returns the entry of a list.
    pub fn summary(&self) -> TraceSummary {
        let mut counts: HashMap<&Arc<str>, usize> = HashMap::new();
        for span in &self.spans {
            *counts.entry(span.service()).or_default() += 1;
        }
        let mut services: Vec<_> =
            counts.into_iter().map(|(service, count)| (Arc::clone(service), count)).collect();
        services.sort_unstable();
        TraceSummary {
            id: self.id,
            root: Arc::clone(self.root()),
            start: self.start,
            duration: self.duration(),
            spans: self.spans.len(),
            errors: self.errors,
            services,
        }
    }
}

/// Orders spans by how well they stand for the trace: roots, then requests, then what is first.
fn rank(span: &Span) -> (bool, bool, Nanos) {
    (span.parent.is_some(), span.kind != Kind::Server, span.start)
}
