//! Responses of the API.

use std::collections::BTreeMap;

use super::described::described;
use crate::pages::TypeDoc;

described! {
    /// Figures of all operations in a window.
    struct OverviewBody {
        /// All requests, messages and roots of traces.
        total: Operation,
        /// Services and operations, the busiest of each service first.
        operations: Vec<Operation>,
        /// Number of requests that have not ended, by service.
        in_flight: BTreeMap<String, u64>,
    }

    /// Requests of an operation. Percentiles are computed from spans.
    struct Operation {
        /// Service.
        service: String,
        /// Method and route, or name of the span.
        operation: String,
        /// Number of requests.
        count: usize,
        /// Number of failed requests.
        failed: usize,
        /// Requests per second.
        rate_per_second: f64,
        /// Median of the durations in nanoseconds.
        p50_nanos: u64,
        /// Percentile 95 of the durations in nanoseconds.
        p95_nanos: u64,
        /// Percentile 99 of the durations in nanoseconds.
        p99_nanos: u64,
        /// Requests of each of 48 intervals.
        counts: Vec<u32>,
        /// Failed requests of each interval.
        failures: Vec<u32>,
    }

    /// Traces that match a search.
    struct TracesBody {
        /// Traces in the requested order.
        traces: Vec<FoundTrace>,
    }

    /// Trace with the span that matches.
    struct FoundTrace {
        /// Identifier, 32 hexadecimal digits.
        trace_id: String,
        /// Service of the root.
        service: String,
        /// Method and route, or name of the root.
        operation: String,
        /// Status code of the root's response.
        status: Option<u16>,
        /// Start in the format of RFC 3339.
        start: String,
        /// Duration in nanoseconds.
        duration_nanos: u64,
        /// Number of spans.
        spans: usize,
        /// Number of failed spans.
        errors: usize,
        /// Services of the trace.
        services: Vec<ServiceSpans>,
        /// First span that matches, 16 hexadecimal digits.
        matching_span: String,
        /// Number of spans that match.
        matching_spans: usize,
    }

    /// Service of a trace.
    struct ServiceSpans {
        /// Name.
        name: String,
        /// Number of its spans.
        spans: usize,
    }

    /// Trace in the order of the waterfall.
    struct TraceBody {
        /// Identifier, 32 hexadecimal digits.
        trace_id: String,
        /// Service of the root.
        service: String,
        /// Method and route, or name of the root.
        operation: String,
        /// Status code of the root's response.
        status: Option<u16>,
        /// Start in the format of RFC 3339.
        start: String,
        /// Duration in nanoseconds.
        duration_nanos: u64,
        /// Number of spans.
        spans: usize,
        /// Number of failed spans.
        errors: usize,
        /// Services of the trace.
        services: Vec<ServiceSpans>,
        /// Spans: parents before children, children by start.
        rows: Vec<SpanRow>,
        /// Log records of the trace by time.
        logs: Vec<LogEntry>,
    }

    /// Span of a waterfall. Times are nanoseconds since the start of the trace.
    struct SpanRow {
        /// Identifier, 16 hexadecimal digits.
        id: String,
        /// Identifier of the parent.
        parent: Option<String>,
        /// Number of ancestors.
        depth: usize,
        /// Number of spans below.
        descendants: usize,
        /// Service.
        service: String,
        /// Name, at most 200 bytes.
        name: String,
        /// `internal`, `server`, `client`, `producer` or `consumer`.
        kind: &'static str,
        /// `unset`, `ok` or `error`.
        status: &'static str,
        /// Start.
        start: u64,
        /// Duration in nanoseconds.
        duration: u64,
        /// Time in which no child was running, in nanoseconds.
        self_time: u64,
        /// Start and length of the longest time in which no child was running.
        gap: Option<[u64; 2]>,
        /// Whether the span is on the critical path.
        critical: bool,
        /// Whether the parent is absent from the trace.
        orphan: bool,
        /// Whether the span starts before its parent, because clocks differ.
        skewed: bool,
        /// Number of equal siblings that begin with this row; 0 if they are not folded.
        repeated: usize,
    }

    /// Log records that match a search, last received first.
    struct LogsBody {
        /// Records.
        records: Vec<LogEntry>,
        /// Value of the parameter `before` for the next records.
        before: Option<u64>,
    }

    /// Log record.
    struct LogEntry {
        /// Time in the format of RFC 3339.
        time: String,
        /// Nanoseconds since 1970, as text.
        time_nanos: String,
        /// Service.
        service: String,
        /// `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `unset`.
        severity: &'static str,
        /// Body.
        body: String,
        /// Attributes as text.
        attributes: BTreeMap<String, String>,
        /// Trace in which the record was made.
        trace_id: Option<String>,
        /// Span in which the record was made.
        span_id: Option<String>,
        /// Nanoseconds since the start of the trace; only in a trace.
        offset: Option<u64>,
    }

    /// Failed spans in groups.
    struct ErrorsBody {
        /// Groups, the largest first.
        groups: Vec<ErrorsOf>,
    }

    /// Failed spans of the same service, operation, type and message.
    struct ErrorsOf {
        /// Service.
        service: String,
        /// Operation.
        operation: String,
        /// Type of the error.
        r#type: String,
        /// Message, in which `#` stands for numbers.
        message: String,
        /// Number of failed spans.
        count: usize,
        /// Start of the last one in the format of RFC 3339.
        last: String,
        /// Last failed spans.
        examples: Vec<SpanAddress>,
    }

    /// Identifiers of a span.
    struct SpanAddress {
        /// Trace.
        trace_id: String,
        /// Span.
        span_id: String,
    }

    /// Services and calls in a window.
    struct MapBody {
        /// Services and the systems that they call.
        nodes: Vec<MapNode>,
        /// Calls.
        edges: Vec<MapEdge>,
    }

    /// Service, or system that sends no telemetry itself.
    struct MapNode {
        /// Name.
        name: String,
        /// Whether the system sends no telemetry itself.
        external: bool,
        /// Number of spans.
        spans: usize,
        /// Number of failed spans.
        failed: usize,
    }

    /// Calls from one service to another one.
    struct MapEdge {
        /// Caller.
        from: String,
        /// Callee.
        to: String,
        /// Number of calls.
        count: usize,
        /// Number of failed calls.
        failed: usize,
        /// Calls per second.
        rate_per_second: f64,
        /// Median of the durations in nanoseconds.
        p50_nanos: u64,
        /// Percentile 95 of the durations in nanoseconds.
        p95_nanos: u64,
        /// Percentile 99 of the durations in nanoseconds.
        p99_nanos: u64,
    }

    /// Requests of this process that have not ended.
    struct RunningBody {
        /// Requests, the oldest first.
        requests: Vec<RunningEntry>,
        /// Number of requests since the start that did not fit into the list.
        unlisted: u64,
    }

    /// Request that has not ended.
    struct RunningEntry {
        /// Service.
        service: String,
        /// Method and path.
        name: String,
        /// Trace.
        trace_id: String,
        /// Span.
        span_id: String,
        /// Start in the format of RFC 3339.
        start: String,
        /// Time since the start in nanoseconds.
        duration_nanos: u64,
    }

    /// Completions of a search. Positions are numbers of characters.
    struct CompletionBody {
        /// Position from which on the text is replaced.
        start: usize,
        /// Position up to which the text is replaced.
        end: usize,
        /// Candidates, the best first.
        candidates: Vec<CandidateEntry>,
    }

    /// Completion of a search.
    struct CandidateEntry {
        /// Text that replaces the typed one.
        text: String,
        /// Description.
        meaning: String,
    }

    /// Counters and memory of the panel.
    struct HealthBody {
        /// Counters of `traces`, `logs` and `metrics` since the start.
        signals: Vec<SignalHealth>,
        /// Parts of the store.
        memory: Vec<MemoryPart>,
        /// Forwarding to another endpoint, if there is one.
        forward: Option<ForwardHealth>,
    }

    /// Counters of a signal since the start.
    struct SignalHealth {
        /// `traces`, `logs` or `metrics`.
        signal: &'static str,
        /// Number of stored entries.
        stored: u64,
        /// Number of refused entries.
        refused: u64,
        /// Number of entries that made room for others.
        evicted: u64,
        /// Number of values and lists that are stored in part.
        truncated: u64,
        /// Number of requests that could not be read.
        malformed_requests: u64,
    }

    /// Part of the store.
    struct MemoryPart {
        /// Name.
        name: &'static str,
        /// Number of entries.
        entries: usize,
        /// Estimated bytes.
        bytes: usize,
        /// Limit in bytes.
        limit: usize,
    }

    /// Forwarding to another endpoint.
    struct ForwardHealth {
        /// URL.
        endpoint: String,
        /// Number of delivered requests.
        delivered: u64,
        /// Number of lost requests.
        lost: u64,
        /// Number of bytes that wait.
        waiting_bytes: usize,
    }

    /// Response to a request that cannot be answered, with status 400, 404 or 502.
    struct ErrorBody {
        /// Reason.
        error: String,
        /// Position in the search at which it is wrong.
        position: Option<usize>,
    }
}
