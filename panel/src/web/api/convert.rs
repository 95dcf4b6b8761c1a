//! Conversion into the types of responses.

use std::sync::Arc;

use super::types::{
    CandidateEntry, CompletionBody, ErrorsOf, ForwardHealth, FoundTrace, LogEntry, MapEdge,
    MapNode, MemoryPart, Operation, RunningEntry, ServiceSpans, SignalHealth, SpanAddress, SpanRow,
    TraceBody,
};
use crate::{
    analysis::{Completion, Edge, ErrorGroup, Node, Row, TreeRow},
    model::{LogRecord, Nanos, format_time, truncate},
    otlp::Forwarding,
    store::{RunningRequest, Signal, SignalCounters, TraceHit, TraceSummary, Usage},
};

impl From<Row> for Operation {
    fn from(row: Row) -> Self {
        let [p50_nanos, p95_nanos, p99_nanos] = row.percentiles;
        Self {
            service: row.service,
            operation: row.operation,
            count: row.count,
            failed: row.failed,
            rate_per_second: row.rate,
            p50_nanos,
            p95_nanos,
            p99_nanos,
            counts: row.counts,
            failures: row.failures,
        }
    }
}

impl From<&TraceHit> for FoundTrace {
    fn from(hit: &TraceHit) -> Self {
        let summary = &hit.summary;
        Self {
            trace_id: summary.id.to_string(),
            service: summary.root.service().to_string(),
            operation: summary.root.operation().into_owned(),
            status: summary.root.status_code(),
            start: format_time(summary.start),
            duration_nanos: summary.duration,
            spans: summary.spans,
            errors: summary.errors,
            services: services(summary),
            matching_span: hit.span.id.to_string(),
            matching_spans: hit.matching,
        }
    }
}

fn services(summary: &TraceSummary) -> Vec<ServiceSpans> {
    let services = summary.services.iter();
    services.map(|(name, spans)| ServiceSpans { name: name.to_string(), spans: *spans }).collect()
}

impl TraceBody {
    pub(super) fn new(summary: &TraceSummary, rows: &[TreeRow], logs: &[Arc<LogRecord>]) -> Self {
        let start = summary.start;
        let entry = |record: &Arc<LogRecord>| LogEntry {
            offset: Some(record.time.saturating_sub(start)),
            ..LogEntry::from(&**record)
        };
        Self {
            trace_id: summary.id.to_string(),
            service: summary.root.service().to_string(),
            operation: summary.root.operation().into_owned(),
            status: summary.root.status_code(),
            start: format_time(start),
            duration_nanos: summary.duration,
            spans: summary.spans,
            errors: summary.errors,
            services: services(summary),
            rows: rows.iter().map(|row| (row, start).into()).collect(),
            logs: logs.iter().map(entry).collect(),
        }
    }
}

impl From<(&TreeRow, Nanos)> for SpanRow {
    fn from((row, start): (&TreeRow, Nanos)) -> Self {
        let span = &row.span;
        Self {
            id: span.id.to_string(),
            parent: span.parent.map(|id| id.to_string()),
            depth: row.depth,
            descendants: row.descendants,
            service: cut(span.service()),
            name: cut(&span.name),
            kind: span.kind.as_str(),
            status: span.status.as_str(),
            start: span.start.saturating_sub(start),
            duration: span.duration(),
            self_time: row.self_time,
            gap: row.gap.map(|(from, length)| [from.saturating_sub(start), length]),
            critical: row.critical,
            orphan: row.orphan,
            skewed: row.skewed,
            repeated: row.repeated,
        }
    }
}

/// Truncates a long name. The details of a span contain the complete name.
fn cut(name: &str) -> String {
    truncate(name, 200).to_owned()
}

impl From<&LogRecord> for LogEntry {
    fn from(record: &LogRecord) -> Self {
        let attributes = record.attributes.iter();
        Self {
            time: format_time(record.time),
            time_nanos: record.time.to_string(),
            service: record.service().to_string(),
            severity: record.severity.as_str(),
            body: record.body.to_string(),
            attributes: attributes
                .map(|(key, value)| (key.to_string(), value.text().into_owned()))
                .collect(),
            trace_id: record.trace_id.map(|id| id.to_string()),
            span_id: record.span_id.map(|id| id.to_string()),
            offset: None,
        }
    }
}

impl From<ErrorGroup> for ErrorsOf {
    fn from(group: ErrorGroup) -> Self {
        let examples = group.examples.iter().map(|span| SpanAddress {
            trace_id: span.trace_id.to_string(),
            span_id: span.id.to_string(),
        });
        Self {
            service: group.service,
            operation: group.operation,
            r#type: group.kind,
            message: group.message,
            count: group.count,
            last: format_time(group.last),
            examples: examples.collect(),
        }
    }
}

impl From<Node> for MapNode {
    fn from(node: Node) -> Self {
        let Node { name, external, spans, failed, .. } = node;
        Self { name, external, spans, failed }
    }
}

impl From<Edge> for MapEdge {
    fn from(edge: Edge) -> Self {
        let Edge { from, to, count, failed, rate, percentiles } = edge;
        let [p50_nanos, p95_nanos, p99_nanos] = percentiles;
        Self { from, to, count, failed, rate_per_second: rate, p50_nanos, p95_nanos, p99_nanos }
    }
}

impl From<(&RunningRequest, Nanos)> for RunningEntry {
    fn from((request, now): (&RunningRequest, Nanos)) -> Self {
        Self {
            service: request.service.to_string(),
            name: request.name.to_string(),
            trace_id: request.trace_id.to_string(),
            span_id: request.span_id.to_string(),
            start: format_time(request.start),
            duration_nanos: now.saturating_sub(request.start),
        }
    }
}

impl From<Completion> for CompletionBody {
    fn from(Completion { start, end, candidates }: Completion) -> Self {
        let candidates = candidates.into_iter();
        let candidates = candidates.map(|it| CandidateEntry { text: it.text, meaning: it.meaning });
        Self { start, end, candidates: candidates.collect() }
    }
}

impl From<(Signal, &SignalCounters)> for SignalHealth {
    fn from((signal, counters): (Signal, &SignalCounters)) -> Self {
        Self {
            signal: signal.as_str(),
            stored: counters.received(),
            refused: counters.rejected(),
            evicted: counters.evicted(),
            truncated: counters.truncated(),
            malformed_requests: counters.malformed(),
        }
    }
}

impl From<Usage> for MemoryPart {
    fn from(Usage { name, entries, bytes, limit }: Usage) -> Self {
        Self { name, entries, bytes, limit }
    }
}

impl From<&dyn Forwarding> for ForwardHealth {
    fn from(forward: &dyn Forwarding) -> Self {
        Self {
            endpoint: forward.endpoint().to_owned(),
            delivered: forward.delivered(),
            lost: forward.lost(),
            waiting_bytes: forward.waiting_bytes(),
        }
    }
}
