//! Collects the spans of a trace from several processes and detects when the trace is complete.
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! use examples::collector::Collector;
//!
//! let mut collector = Collector::new(Duration::from_millis(300), Duration::from_secs(5));
//! collector.add(Vec::new(), Instant::now());
//! for waterfall in collector.take_whole(Instant::now()) {
//!     println!("{waterfall}");
//! }
//! ```
//!
//! A trace is returned when it [is whole](Waterfall::is_whole) and no span has arrived for a short
//! time. That time must be longer than the export delay of the services, which export at different
//! times. A trace that does not become whole is returned when no span has arrived for a long time.
//! Spans that arrive after their trace was returned are returned as an addition. The current time
//! is a parameter; no function waits.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use opentelemetry::trace::TraceId;
use tracing_core_ext::telemetry::{Waterfall, WaterfallSpan};

/// Largest number of spans. Beyond it the trace without a new span for the longest time is
/// returned.
const MOST_SPANS: usize = 65_536;
/// Number of returned traces that are remembered.
const MOST_REMEMBERED: usize = 1_024;

/// Traces that are not complete yet.
#[derive(Debug)]
pub struct Collector {
    open: HashMap<TraceId, Open>,
    held: usize,
    most_spans: usize,
    handed_out: VecDeque<TraceId>,
    short_while: Duration,
    long_while: Duration,
}

#[derive(Debug)]
struct Open {
    spans: Vec<WaterfallSpan>,
    last_news: Instant,
}

impl Collector {
    /// Creates a collector in which a whole trace is complete after `short_while` without new
    /// spans, and any other trace after `long_while`.
    pub fn new(short_while: Duration, long_while: Duration) -> Self {
        Self {
            open: HashMap::new(),
            held: 0,
            most_spans: MOST_SPANS,
            handed_out: VecDeque::new(),
            short_while,
            long_while,
        }
    }

    /// Adds spans of any traces.
    pub fn add(&mut self, spans: Vec<WaterfallSpan>, now: Instant) {
        self.held += spans.len();
        for span in spans {
            let open = self
                .open
                .entry(span.trace_id)
                .or_insert_with(|| Open { spans: Vec::new(), last_news: now });
            open.last_news = now;
            open.spans.push(span);
        }
    }

    /// Returns the complete traces, in the order of their starts.
    pub fn take_whole(&mut self, now: Instant) -> Vec<Waterfall> {
        let due = |open: &Open| self.due(open) <= now;
        let due = self.open.iter().filter(|(_, open)| due(open));
        let mut due: Vec<_> = due.map(|(id, _)| *id).collect();
        due.extend(self.too_many(&due));
        self.take(&due)
    }

    /// Returns all traces, complete or not.
    pub fn take_rest(&mut self) -> Vec<Waterfall> {
        let all: Vec<_> = self.open.keys().copied().collect();
        self.take(&all)
    }

    /// Returns the time at which [`take_whole`](Self::take_whole) returns a trace if no span
    /// arrives before.
    pub fn next_due(&self) -> Option<Instant> {
        self.open.values().map(|open| self.due(open)).min()
    }

    fn due(&self, open: &Open) -> Instant {
        let silence = match Waterfall::is_whole(&open.spans) {
            true => self.short_while,
            false => self.long_while,
        };
        open.last_news + silence
    }

    fn too_many(&self, but: &[TraceId]) -> Vec<TraceId> {
        let mut excess = self.held.saturating_sub(self.most_spans);
        if excess == 0 {
            return Vec::new();
        }
        let mut silent: Vec<_> = self.open.iter().collect();
        silent.retain(|(id, _)| !but.contains(id));
        silent.sort_by_key(|(_, open)| open.last_news);
        let mut taken = Vec::new();
        for (id, open) in silent {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(open.spans.len());
            taken.push(*id);
        }
        taken
    }

    fn take(&mut self, ids: &[TraceId]) -> Vec<Waterfall> {
        let open = ids.iter().filter_map(|id| self.open.remove(id));
        let mut taken: Vec<_> = open.map(|open| open.spans).collect();
        self.held -= taken.iter().map(Vec::len).sum::<usize>();
        taken.sort_by_key(|spans| spans.iter().map(|span| span.start).min());
        let taken = taken.into_iter().map(|spans| self.hand_out(spans));
        taken.collect()
    }

    fn hand_out(&mut self, spans: Vec<WaterfallSpan>) -> Waterfall {
        let waterfall = Waterfall::new(spans);
        let id = waterfall.trace_id().unwrap_or(TraceId::INVALID);
        let later = self.handed_out.contains(&id);
        if !later {
            self.handed_out.truncate(MOST_REMEMBERED - 1);
            self.handed_out.push_front(id);
        }
        waterfall.later(later)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use opentelemetry::trace::{SpanId, SpanKind};

    use super::*;

    const SHORT: Duration = Duration::from_millis(300);
    const LONG: Duration = Duration::from_secs(5);

    fn span(trace: u128, id: u64, parent: Option<u64>) -> WaterfallSpan {
        WaterfallSpan {
            trace_id: TraceId::from(trace),
            span_id: SpanId::from(id),
            parent_span_id: parent.map(SpanId::from),
            remote_parent: false,
            service: "shop".to_owned(),
            name: format!("span {id}"),
            kind: SpanKind::Server,
            start: SystemTime::UNIX_EPOCH,
            duration: Duration::ZERO,
            status_code: None,
            error: None,
            details: None,
        }
    }

    fn collector(spans: Vec<WaterfallSpan>, now: Instant) -> Collector {
        let mut collector = Collector::new(SHORT, LONG);
        collector.add(spans, now);
        collector
    }

    #[test]
    fn a_trace_is_whole_when_it_is_connected_and_quiet() {
        let start = Instant::now();
        let mut collector = collector(vec![span(1, 2, Some(1)), span(1, 1, None)], start);
        assert_eq!(collector.next_due(), Some(start + SHORT));
        assert!(collector.take_whole(start).is_empty());
        let whole = collector.take_whole(start + SHORT);
        assert_eq!(whole[0].trace_id(), Some(TraceId::from(1)));
        assert!(collector.take_whole(start + LONG).is_empty(), "only once");
    }

    #[test]
    fn a_new_span_restarts_the_quiet_time() {
        let start = Instant::now();
        let mut collector = collector(vec![span(1, 1, None)], start);
        let news = start + SHORT / 2;
        collector.add(vec![span(1, 2, Some(1))], news);
        assert!(collector.take_whole(start + SHORT).is_empty());
        let whole = collector.take_whole(news + SHORT);
        assert!(whole[0].to_string().contains("2 spans"));
    }

    #[test]
    fn a_trace_with_a_parent_missing_is_waited_for() {
        let start = Instant::now();
        let mut collector = collector(vec![span(1, 1, None), span(1, 3, Some(2))], start);
        assert!(collector.take_whole(start + SHORT).is_empty());
        assert_eq!(collector.take_whole(start + LONG).len(), 1);
    }

    #[test]
    fn a_trace_continued_from_a_remote_caller_is_whole_without_that_caller() {
        let start = Instant::now();
        let mut entry = span(1, 2, Some(99));
        entry.remote_parent = true;
        let mut collector = collector(vec![entry, span(1, 3, Some(2))], start);
        assert_eq!(collector.take_whole(start + SHORT).len(), 1);
    }

    #[test]
    fn a_trace_of_two_requests_of_one_remote_caller_is_whole() {
        let start = Instant::now();
        let request = |id| WaterfallSpan { remote_parent: true, ..span(1, id, Some(99)) };
        let mut collector = collector(vec![request(1), request(2)], start);
        let whole = collector.take_whole(start + SHORT);
        assert!(!whole[0].to_string().contains('…'));
    }

    #[test]
    fn spans_that_arrive_after_their_trace_was_returned_are_an_addition() {
        let start = Instant::now();
        let mut collector = collector(vec![span(1, 1, None)], start);
        collector.take_whole(start + SHORT);
        collector.add(vec![span(1, 2, Some(1))], start + SHORT);
        let addition = collector.take_whole(start + SHORT + LONG);
        assert!(addition[0].to_string().contains("  later  "));
    }

    #[test]
    fn the_trace_that_started_first_is_returned_first() {
        let start = Instant::now();
        let mut second = span(2, 1, None);
        second.start += Duration::from_secs(1);
        let mut collector = collector(vec![second, span(1, 1, None)], start);
        let ids = collector.take_rest();
        let ids: Vec<_> = ids.iter().map(|waterfall| waterfall.trace_id()).collect();
        assert_eq!(ids, [Some(TraceId::from(1)), Some(TraceId::from(2))]);
    }

    #[test]
    fn with_too_many_spans_the_trace_that_was_quiet_longest_is_returned() {
        let start = Instant::now();
        let mut collector = collector(vec![span(1, 1, None)], start);
        collector.most_spans = 2;
        collector.add(vec![span(2, 1, None), span(2, 2, Some(1))], start + SHORT / 2);
        let pushed_out = collector.take_whole(start + SHORT / 2);
        assert_eq!(pushed_out.len(), 1);
        assert_eq!(pushed_out[0].trace_id(), Some(TraceId::from(1)));
    }
}
