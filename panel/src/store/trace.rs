//! Spans of one trace.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    model::{Kind, Nanos, Span, SpanId, TraceId},
    query::Signature,
};

/// Number of spans above which a table is used to look up identifiers.
const LOOKUP_FROM: usize = 32;

/// Spans of one trace in the order received.
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

/// Trace in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSummary {
    /// Identifier.
    pub id: TraceId,
    /// Root, or the first span if the root is absent.
    pub root: Arc<Span>,
    /// Start of the first span.
    pub start: Nanos,
    /// Time from the start of the first span to the end of the last one, in nanoseconds.
    pub duration: u64,
    /// Number of spans.
    pub spans: usize,
    /// Number of failed spans.
    pub errors: usize,
    /// Services with their numbers of spans, sorted by name.
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

    /// Adds a span. Returns false if the trace has a span with this identifier.
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

    /// Returns the identifier.
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// Returns the spans in the order received.
    pub fn spans(&self) -> &[Arc<Span>] {
        &self.spans
    }

    /// Returns the root, or the first span if the root is absent.
    pub fn root(&self) -> &Arc<Span> {
        &self.spans[self.root]
    }

    /// Returns the start of the first span.
    pub fn start(&self) -> Nanos {
        self.start
    }

    /// Returns the time from the start of the first span to the end of the last one, in
    /// nanoseconds.
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Returns the number of failed spans.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Returns the estimated memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the Bloom filter of the values in the spans.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Returns the summary for a list.
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

/// Returns the rank of a span as the representative of the trace: roots, then requests, then the
/// first span.
fn rank(span: &Span) -> (bool, bool, Nanos) {
    (span.parent.is_some(), span.kind != Kind::Server, span.start)
}
