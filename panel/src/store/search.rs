//! Search of traces.

use std::cmp::Reverse;

use super::{
    trace::{Trace, TraceSummary},
    traces::Traces,
};
use crate::{model::Nanos, query::Query};

/// Search of traces.
#[derive(Clone, Debug)]
pub struct TraceSearch {
    /// Conditions that one span must match.
    pub query: Query,
    /// Earliest start of a trace.
    pub from: Nanos,
    /// Latest start of a trace.
    pub to: Nanos,
    /// Order of the result.
    pub order: Order,
    /// Maximum number of traces in the result.
    pub most: usize,
}

/// Order of a list of traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Last received first.
    #[default]
    Newest,
    /// Slowest first.
    Slowest,
}

/// Trace in the result of a search.
#[derive(Clone, Debug)]
pub struct TraceHit {
    /// Trace.
    pub summary: TraceSummary,
    /// First span that matches, or the root if the query is empty.
    pub span: std::sync::Arc<crate::model::Span>,
    /// Number of spans that match.
    pub matching: usize,
}

pub(super) fn search(traces: &Traces, search: &TraceSearch) -> Vec<TraceHit> {
    let matching = traces.iter().filter(|trace| is_match(trace, search));
    let mut found: Vec<&Trace> = match search.order {
        Order::Newest => matching.take(search.most).collect(),
        Order::Slowest => matching.collect(),
    };
    match search.order {
        Order::Newest => found.sort_by_key(|trace| Reverse(trace.start())),
        Order::Slowest => found.sort_by_key(|trace| Reverse(trace.duration())),
    }
    found.truncate(search.most);
    found.into_iter().map(|trace| hit(trace, &search.query)).collect()
}

fn is_match(trace: &Trace, search: &TraceSearch) -> bool {
    let query = &search.query;
    (search.from..=search.to).contains(&trace.start())
        && query.trace().is_none_or(|id| id == trace.id())
        && (query.is_empty()
            || query.may_match(trace.signature())
                && trace.spans().iter().any(|span| query.matches_span(span)))
}

fn hit(trace: &Trace, query: &Query) -> TraceHit {
    let root = trace.root();
    let matches = trace.spans().iter().filter(|span| query.matches_span(span));
    let matching = matches.clone().count();
    let first = matches.min_by_key(|span| (span.id != root.id, span.start));
    TraceHit {
        summary: trace.summary(),
        span: std::sync::Arc::clone(first.unwrap_or(root)),
        matching,
    }
}
