use std::collections::VecDeque;

use opentelemetry::TraceId;

use super::waterfall::{Waterfall, WaterfallSpan};

/// Number of printed traces that are remembered, so that later spans of them are marked.
const MAX_REMEMBERED: usize = 256;

/// Spans that wait until the root of their trace in this process has ended.
pub(super) struct TraceBuffer {
    open: VecDeque<BufferedTrace>,
    handed_out: VecDeque<TraceId>,
    /// Evicted traces with the number of dropped spans, until the rest of each trace is printed.
    evicted: VecDeque<(TraceId, usize)>,
    most_spans: usize,
}

/// Spans of one trace that are not printed yet.
struct BufferedTrace {
    trace_id: TraceId,
    spans: Vec<WaterfallSpan>,
    root_ended: bool,
}

/// A trace that was removed because the buffer was full.
pub(super) struct EvictedTrace {
    pub(super) trace_id: TraceId,
    pub(super) spans: usize,
}

impl TraceBuffer {
    /// Creates a buffer for this number of spans, all traces together.
    pub(super) fn new(most_spans: usize) -> Self {
        let (open, handed_out, evicted) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Self { open, handed_out, evicted, most_spans }
    }

    pub(super) fn add(&mut self, span: WaterfallSpan) {
        let trace_id = span.trace_id;
        let is_root = span.parent_span_id.is_none() || span.remote_parent;
        let known = self.open.iter_mut().find(|open| open.trace_id == trace_id);
        let Some(pending) = known else {
            let root_ended = is_root || self.handed_out.contains(&trace_id);
            return self.open.push_back(BufferedTrace { trace_id, spans: vec![span], root_ended });
        };
        pending.root_ended |= is_root;
        pending.spans.push(span);
    }

    /// Removes and returns a trace whose root has ended.
    pub(super) fn next_ended(&mut self) -> Option<Waterfall> {
        let at = self.open.iter().position(|open| open.root_ended)?;
        let ended = self.open.remove(at)?;
        Some(self.take(ended))
    }

    /// Removes and returns the oldest trace, whether or not its root has ended.
    pub(super) fn next(&mut self) -> Option<Waterfall> {
        let oldest = self.open.pop_front()?;
        Some(self.take(oldest))
    }

    /// Removes the oldest trace if there are too many spans.
    pub(super) fn evict(&mut self) -> Option<EvictedTrace> {
        let held: usize = self.open.iter().map(|open| open.spans.len()).sum();
        if held <= self.most_spans {
            return None;
        }
        let BufferedTrace { trace_id, spans, .. } = self.open.pop_front()?;
        self.remember_evicted(trace_id, spans.len());
        Some(EvictedTrace { trace_id, spans: spans.len() })
    }

    fn remember_evicted(&mut self, trace_id: TraceId, spans: usize) {
        if let Some((_, known)) = self.evicted.iter_mut().find(|(known, _)| *known == trace_id) {
            *known += spans;
            return;
        }
        if self.evicted.len() == MAX_REMEMBERED {
            self.evicted.pop_front();
        }
        self.evicted.push_back((trace_id, spans));
    }

    /// Returns the number of spans of a trace that were evicted before.
    fn take_evicted(&mut self, trace_id: TraceId) -> usize {
        let position = self.evicted.iter().position(|(known, _)| *known == trace_id);
        position.and_then(|position| self.evicted.remove(position)).map_or(0, |(_, spans)| spans)
    }

    fn take(&mut self, pending: BufferedTrace) -> Waterfall {
        let later = self.handed_out.contains(&pending.trace_id);
        if !later {
            self.remember(pending.trace_id);
        }
        let dropped = self.take_evicted(pending.trace_id);
        Waterfall::new(pending.spans).later(later).with_dropped(dropped)
    }

    fn remember(&mut self, trace_id: TraceId) {
        if self.handed_out.len() == MAX_REMEMBERED {
            self.handed_out.pop_front();
        }
        self.handed_out.push_back(trace_id);
    }

    /// Returns the larger number of traces that are remembered for either reason.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.evicted.len().max(self.handed_out.len())
    }
}
