//! Normalisation of ids and times for snapshots.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    SpanId, TraceId,
    trace::{SpanContext, TraceState},
};
use opentelemetry_sdk::trace::SpanData;

use super::store::StoredSpan;

/// Time between two starts or ends of spans.
const TICK: Duration = Duration::from_millis(1);

/// Numbers the traces and the spans, and replaces the times by their order.
pub(crate) fn normalised(traces: &[Vec<StoredSpan>]) -> Vec<Vec<StoredSpan>> {
    let traces = traces.iter().zip(1_u128..);
    traces.map(|(spans, number)| trace(spans, TraceId::from(number))).collect()
}

fn trace(spans: &[StoredSpan], trace_id: TraceId) -> Vec<StoredSpan> {
    let mut spans: Vec<&StoredSpan> = spans.iter().collect();
    let by_id = spans_by_id(&spans);
    spans.sort_by_key(|span| (span.data.start_time, depth(span, &by_id)));
    let ids: HashMap<SpanId, SpanId> =
        spans.iter().zip(1_u64..).map(|(span, number)| (span.id(), SpanId::from(number))).collect();
    let times = Times::new(&spans);
    let replaced = spans.iter().enumerate().map(|(place, span)| {
        let (start_time, end_time) = times.of(place);
        let data = &*span.data;
        let id = |id| ids.get(&id).copied();
        // A parent that is not among the spans is in another process.
        let parent = id(data.parent_span_id).unwrap_or(data.parent_span_id);
        let own = SpanContext::new(
            trace_id,
            id(span.id()).unwrap_or(SpanId::INVALID),
            data.span_context.trace_flags(),
            false,
            TraceState::NONE,
        );
        let data = SpanData {
            span_context: own,
            parent_span_id: parent,
            start_time,
            end_time,
            ..data.clone()
        };
        StoredSpan { service: Arc::clone(&span.service), data: Arc::new(data) }
    });
    replaced.collect()
}

fn spans_by_id<'a>(spans: &[&'a StoredSpan]) -> HashMap<SpanId, &'a StoredSpan> {
    spans.iter().map(|span| (span.id(), *span)).collect()
}

/// Returns the number of spans above this one, because a parent may start at the same time. A circle ends the search.
fn depth(span: &StoredSpan, by_id: &HashMap<SpanId, &StoredSpan>) -> usize {
    let above = |span: &&StoredSpan| by_id.get(&span.data.parent_span_id).copied();
    let ancestors = std::iter::successors(Some(span), above);
    ancestors.take(by_id.len() + 1).count()
}

/// Starts and ends of spans, replaced by their order.
struct Times {
    /// Place of each start and each end: twice the place of the span, plus one for the end.
    order: Vec<usize>,
}

impl Times {
    /// `spans` are ordered by their starts.
    fn new(spans: &[&StoredSpan]) -> Self {
        let mut order: Vec<usize> = (0..2 * spans.len()).collect();
        let key = |event: &usize| {
            let span = &spans[event / 2].data;
            match event % 2 {
                0 => (span.start_time, 0, event / 2),
                // At the same time an inner span, which started later, ends first.
                _ => (span.end_time.max(span.start_time), 1, spans.len() - event / 2),
            }
        };
        order.sort_by_key(key);
        Self { order }
    }

    fn of(&self, place: usize) -> (SystemTime, SystemTime) {
        (self.time(2 * place), self.time(2 * place + 1))
    }

    fn time(&self, event: usize) -> SystemTime {
        let tick = self.order.iter().position(|it| *it == event).unwrap_or_default();
        SystemTime::UNIX_EPOCH + TICK * u32::try_from(tick).unwrap_or(u32::MAX)
    }
}
