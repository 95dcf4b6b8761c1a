//! List of the endpoints, for the documentation page.

use super::types::{
    CandidateEntry, CompletionBody, ErrorBody, ErrorsBody, ErrorsOf, ForwardHealth, FoundTrace,
    HealthBody, LogEntry, LogsBody, MapBody, MapEdge, MapNode, MemoryPart, Operation, OverviewBody,
    RunningBody, RunningEntry, ServiceSpans, SignalHealth, SpanAddress, SpanRow, TraceBody,
    TracesBody,
};
use crate::pages::{EndpointDoc, TypeDoc};

/// Parameters of the endpoints with their meaning.
pub(in crate::web) const PARAMETERS: [(&str, &str); 10] = [
    ("q", "search; none matches everything"),
    ("window", "5m, 15m, 1h, 6h, 24h or all"),
    ("from", "first start, in nanoseconds since 1970; instead of window"),
    ("to", "last start, in nanoseconds since 1970; instead of window"),
    ("sort", "newest or slowest"),
    ("limit", "most entries, from 1 to 1000"),
    ("before", "number from which on records are older, as a response has it"),
    ("cursor", "position in the search, in characters"),
    ("of", "spans or logs"),
    ("token", "token, where the panel requires one; or Authorization: Bearer"),
];

const WINDOW: &[&str] = &["window", "from", "to"];

/// Endpoints of the API.
pub(in crate::web) const ENDPOINTS: [EndpointDoc; 11] = [
    endpoint("/api/overview", "services and operations", WINDOW, "OverviewBody"),
    endpoint(
        "/api/traces",
        "traces that match",
        &["q", "window", "from", "to", "sort", "limit"],
        "TracesBody",
    ),
    endpoint("/api/traces/{id}", "one trace", &[], "TraceBody"),
    endpoint("/api/traces/{id}/otlp", "one trace as a file", &[], "OTLP JSON"),
    endpoint("/api/traces/{id}/perfetto", "one trace as a file", &[], "Trace Event Format"),
    endpoint("/api/logs", "log records that match", &["q", "before", "limit"], "LogsBody"),
    endpoint("/api/errors", "failed spans", WINDOW, "ErrorsBody"),
    endpoint("/api/map", "services and calls", WINDOW, "MapBody"),
    endpoint("/api/running", "requests that have not ended", &[], "RunningBody"),
    endpoint("/api/complete", "completions of a search", &["q", "cursor", "of"], "CompletionBody"),
    endpoint("/api/health", "counters and memory", &[], "HealthBody"),
];

/// Types of the responses.
pub(in crate::web) const TYPES: [TypeDoc; 24] = [
    OverviewBody::DOC,
    Operation::DOC,
    TracesBody::DOC,
    FoundTrace::DOC,
    ServiceSpans::DOC,
    TraceBody::DOC,
    SpanRow::DOC,
    LogsBody::DOC,
    LogEntry::DOC,
    ErrorsBody::DOC,
    ErrorsOf::DOC,
    SpanAddress::DOC,
    MapBody::DOC,
    MapNode::DOC,
    MapEdge::DOC,
    RunningBody::DOC,
    RunningEntry::DOC,
    CompletionBody::DOC,
    CandidateEntry::DOC,
    HealthBody::DOC,
    SignalHealth::DOC,
    MemoryPart::DOC,
    ForwardHealth::DOC,
    ErrorBody::DOC,
];

const fn endpoint(
    path: &'static str,
    meaning: &'static str,
    parameters: &'static [&'static str],
    body: &'static str,
) -> EndpointDoc {
    EndpointDoc { path, meaning, parameters, body }
}
