//! Traces in the order of their first spans.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{counters::Usage, kept::Kept, trace::Trace};
use crate::model::{Span, TraceId};

/// Maximum number of spans of a trace.
const MOST_SPANS: usize = 100_000;

/// Traces with a limit in bytes.
#[derive(Debug)]
pub(super) struct Traces {
    limit: usize,
    bytes: usize,
    shelf_bytes: usize,
    next: u64,
    numbers: HashMap<TraceId, u64>,
    recent: BTreeMap<u64, Trace>,
    /// Traces that are kept after newer ones have been dropped.
    shelf: BTreeMap<u64, Trace>,
    kept: Kept,
    spans: usize,
}

/// Result of an addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    Stored,
    Duplicate,
    Rejected,
}

impl Traces {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            shelf_bytes: 0,
            next: 0,
            numbers: HashMap::new(),
            recent: BTreeMap::new(),
            shelf: BTreeMap::new(),
            kept: Kept::default(),
            spans: 0,
        }
    }

    pub(super) fn add(&mut self, span: &Arc<Span>) -> Added {
        let number = *self.numbers.entry(span.trace_id).or_insert(self.next);
        let is_new = number == self.next;
        self.next += u64::from(is_new);
        let on_shelf = self.shelf.contains_key(&number);
        let shelf = if on_shelf { &mut self.shelf } else { &mut self.recent };
        let trace = shelf.entry(number).or_insert_with(|| Trace::new(span.trace_id));
        if trace.spans().len() >= MOST_SPANS {
            return Added::Rejected;
        }
        let before = if is_new { 0 } else { trace.bytes() };
        if !trace.add(span) {
            return Added::Duplicate;
        }
        let grown = trace.bytes() - before;
        self.bytes += grown;
        self.shelf_bytes += if on_shelf { grown } else { 0 };
        self.spans += 1;
        if span.is_entry() {
            self.kept.offer(number, span);
        }
        Added::Stored
    }

    /// Drops the oldest traces until the rest is within the limit. Returns the number of dropped
    /// spans.
    pub(super) fn evict(&mut self) -> usize {
        let before = self.spans;
        while self.bytes > self.limit {
            let Some((number, trace)) = self.recent.pop_first() else { break };
            match self.kept.contains(number) {
                true => self.put_on_shelf(number, trace),
                false => self.forget(number, &trace),
            }
        }
        while self.bytes > self.limit {
            let Some((number, trace)) = self.shelf.pop_first() else { break };
            self.shelf_bytes -= trace.bytes();
            self.forget(number, &trace);
        }
        before - self.spans
    }

    fn put_on_shelf(&mut self, number: u64, trace: Trace) {
        self.shelf_bytes += trace.bytes();
        self.shelf.insert(number, trace);
        if self.shelf_bytes > self.limit / 4 {
            self.clear_shelf();
        }
    }

    /// Removes traces that slower or later ones have replaced. If the rest exceeds the limit,
    /// removes the oldest.
    fn clear_shelf(&mut self) {
        let kept = &self.kept;
        let replaced: Vec<u64> =
            self.shelf.keys().filter(|number| !kept.contains(**number)).copied().collect();
        for number in replaced {
            self.take_from_shelf(number);
        }
        while self.shelf_bytes > self.limit / 8 {
            let Some(oldest) = self.shelf.keys().next().copied() else { break };
            self.take_from_shelf(oldest);
        }
    }

    fn take_from_shelf(&mut self, number: u64) {
        if let Some(trace) = self.shelf.remove(&number) {
            self.shelf_bytes -= trace.bytes();
            self.forget(number, &trace);
        }
    }

    fn forget(&mut self, number: u64, trace: &Trace) {
        self.bytes -= trace.bytes();
        self.spans -= trace.spans().len();
        self.numbers.remove(&trace.id());
        self.kept.remove(number);
    }

    pub(super) fn find(&self, id: TraceId) -> Option<&Trace> {
        let number = self.numbers.get(&id)?;
        self.recent.get(number).or_else(|| self.shelf.get(number))
    }

    /// Iterates over traces, last received first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Trace> {
        self.recent.values().rev().chain(self.shelf.values().rev())
    }

    pub(super) fn clear(&mut self) {
        *self = Self { next: self.next, ..Self::new(self.limit) };
    }

    pub(super) fn usage(&self) -> Usage {
        Usage { name: "spans", entries: self.spans, bytes: self.bytes, limit: self.limit }
    }
}
