//! JSON API.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query as Parameters, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::params::Params;
use crate::{
    analysis::{self, Row, TreeRow},
    model::{LogRecord, Span, TraceId, format_time, now},
    otlp::trace_json,
    query::QueryError,
    store::{RunningRequest, Signal, Store, TraceHit, TraceSummary},
};

pub(super) async fn overview(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Json<Value> {
    let read = store.read();
    let overview = analysis::overview(&read, params.choice("15m").window);
    let in_flight = analysis::in_flight(&read, &store.running().list(), now());
    drop(read);
    let rows: Vec<Value> = overview.rows.iter().map(row_json).collect();
    let total = row_json(&overview.total);
    Json(json!({ "total": total, "operations": rows, "inFlight": in_flight }))
}

fn row_json(row: &Row) -> Value {
    json!({
        "service": row.service,
        "operation": row.operation,
        "count": row.count,
        "failed": row.failed,
        "ratePerSecond": row.rate,
        "p50Nanos": row.percentiles[0],
        "p95Nanos": row.percentiles[1],
        "p99Nanos": row.percentiles[2],
        "counts": row.counts,
        "failures": row.failures,
    })
}

pub(super) async fn traces(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Response {
    match params.query() {
        Ok(query) => {
            let search = params.search(query, params.choice("all").window);
            let hits = store.read().search(&search);
            Json(json!({ "traces": hits.iter().map(hit_json).collect::<Vec<_>>() })).into_response()
        }
        Err(error) => query_error(&error),
    }
}

fn query_error(error: &QueryError) -> Response {
    let body = json!({ "error": error.message(), "position": error.position() });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn hit_json(hit: &TraceHit) -> Value {
    let mut trace = summary_json(&hit.summary);
    trace["matchingSpan"] = json!(hit.span.id.to_string());
    trace["matchingSpans"] = json!(hit.matching);
    trace
}

fn summary_json(summary: &TraceSummary) -> Value {
    let services = summary.services.iter();
    let services = services.map(|(name, count)| json!({ "name": &**name, "spans": count }));
    json!({
        "traceId": summary.id.to_string(),
        "service": &**summary.root.service(),
        "operation": summary.root.operation(),
        "status": summary.root.status_code(),
        "start": format_time(summary.start),
        "durationNanos": summary.duration,
        "spans": summary.spans,
        "errors": summary.errors,
        "services": services.collect::<Vec<_>>(),
    })
}

/// A trace in the order of the waterfall. Times are nanoseconds since the start of the trace.
pub(super) async fn trace(State(store): State<Store>, Path(id): Path<String>) -> Response {
    let read = store.read();
    let Some(trace) = id.parse().ok().and_then(|id: TraceId| read.trace(id)) else {
        return not_found();
    };
    let (summary, spans) = (trace.summary(), trace.spans().to_vec());
    let logs = read.logs_of(trace.id());
    drop(read);
    let mut body = summary_json(&summary);
    let rows = analysis::rows(&spans);
    body["rows"] = rows.iter().map(|row| tree_json(row, &summary)).collect();
    body["logs"] = logs.iter().map(|record| trace_log_json(record, &summary)).collect();
    Json(body).into_response()
}

fn trace_log_json(record: &LogRecord, summary: &TraceSummary) -> Value {
    let mut json = log_json(record);
    json["offset"] = json!(record.time.saturating_sub(summary.start));
    json
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "error": "this trace is not stored" }))).into_response()
}

fn tree_json(row: &TreeRow, summary: &TraceSummary) -> Value {
    let span: &Span = &row.span;
    json!({
        "id": span.id.to_string(),
        "parent": span.parent.map(|id| id.to_string()),
        "depth": row.depth,
        "descendants": row.descendants,
        "service": cut(span.service()),
        "name": cut(&span.name),
        "kind": span.kind.as_str(),
        "status": span.status.as_str(),
        "start": span.start.saturating_sub(summary.start),
        "duration": span.duration(),
        "self": row.self_time,
        "gap": row.gap.map(|(start, length)| [start.saturating_sub(summary.start), length]),
        "critical": row.critical,
        "orphan": row.orphan,
        "skewed": row.skewed,
        "repeated": row.repeated,
    })
}

/// Names can be long; the details of a span have the whole name.
fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(200)]
}

pub(super) async fn complete(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Json<Value> {
    let read = store.read();
    let completion = analysis::complete(&read, params.searched(), &params.q, params.cursor());
    drop(read);
    let candidates = completion.candidates.iter();
    let candidates: Vec<Value> =
        candidates.map(|it| json!({ "text": it.text, "meaning": it.meaning })).collect();
    Json(json!({ "start": completion.start, "end": completion.end, "candidates": candidates }))
}

pub(super) async fn perfetto(State(store): State<Store>, Path(id): Path<String>) -> Response {
    download(&store, &id, "perfetto.json", analysis::perfetto_json)
}

pub(super) async fn export(State(store): State<Store>, Path(id): Path<String>) -> Response {
    download(&store, &id, "json", trace_json)
}

/// Returns a trace as a file with this ending.
fn download(
    store: &Store,
    id: &str,
    ending: &str,
    convert: impl FnOnce(&[Arc<Span>]) -> String,
) -> Response {
    let read = store.read();
    let Some(trace) = id.parse().ok().and_then(|id: TraceId| read.trace(id)) else {
        return not_found();
    };
    let (id, spans) = (trace.id(), trace.spans().to_vec());
    drop(read);
    let name = format!("attachment; filename=\"{id}.{ending}\"");
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    (headers, convert(&spans)).into_response()
}

pub(super) async fn logs(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Response {
    match params.query() {
        Ok(query) => {
            let (hits, has_more) = store.read().logs(&query, params.before(), params.limit(200));
            let next = hits.last().filter(|_| has_more).map(|hit| hit.number);
            let records: Vec<Value> = hits.iter().map(|hit| log_json(&hit.record)).collect();
            Json(json!({ "records": records, "before": next })).into_response()
        }
        Err(error) => query_error(&error),
    }
}

fn log_json(record: &LogRecord) -> Value {
    let pair =
        |(key, value): (&Arc<str>, &crate::model::Value)| (key.to_string(), json!(value.text()));
    json!({
        "time": format_time(record.time),
        "timeNanos": record.time.to_string(),
        "service": &**record.service(),
        "severity": record.severity.as_str(),
        "body": &*record.body,
        "attributes": record.attributes.iter().map(pair).collect::<serde_json::Map<_, _>>(),
        "traceId": record.trace_id.map(|id| id.to_string()),
        "spanId": record.span_id.map(|id| id.to_string()),
    })
}

pub(super) async fn errors(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Json<Value> {
    let groups = analysis::error_groups(&store.read(), params.choice("1h").window);
    let group = |group: &analysis::ErrorGroup| {
        let example = |span: &Arc<Span>| {
            let (trace, span) = (span.trace_id.to_string(), span.id.to_string());
            json!({ "traceId": trace, "spanId": span })
        };
        json!({
            "service": group.service,
            "operation": group.operation,
            "type": group.kind,
            "message": group.message,
            "count": group.count,
            "last": format_time(group.last),
            "examples": group.examples.iter().map(example).collect::<Vec<_>>(),
        })
    };
    Json(json!({ "groups": groups.iter().map(group).collect::<Vec<_>>() }))
}

pub(super) async fn map(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Json<Value> {
    let map = analysis::service_map(&store.read(), params.choice("15m").window);
    let node = |node: &analysis::Node| {
        json!({
            "name": node.name,
            "external": node.external,
            "spans": node.spans,
            "failed": node.failed,
        })
    };
    let edge = |edge: &analysis::Edge| {
        json!({
            "from": edge.from,
            "to": edge.to,
            "count": edge.count,
            "failed": edge.failed,
            "ratePerSecond": edge.rate,
            "p50Nanos": edge.percentiles[0],
            "p95Nanos": edge.percentiles[1],
            "p99Nanos": edge.percentiles[2],
        })
    };
    let nodes: Vec<Value> = map.nodes.iter().map(node).collect();
    Json(json!({ "nodes": nodes, "edges": map.edges.iter().map(edge).collect::<Vec<_>>() }))
}

pub(super) async fn running(State(store): State<Store>) -> Json<Value> {
    let request = |request: &RunningRequest| {
        json!({
            "service": &*request.service,
            "name": &*request.name,
            "traceId": request.trace_id.to_string(),
            "spanId": request.span_id.to_string(),
            "start": format_time(request.start),
            "durationNanos": now().saturating_sub(request.start),
        })
    };
    let requests: Vec<Value> = store.running().list().iter().map(request).collect();
    Json(json!({ "requests": requests, "unlisted": store.running().unlisted() }))
}

pub(super) async fn health(State(store): State<Store>) -> Json<Value> {
    let signal = |signal: Signal| {
        let counters = store.counters().of(signal);
        json!({
            "signal": signal.as_str(),
            "stored": counters.received(),
            "refused": counters.rejected(),
            "evicted": counters.evicted(),
            "truncated": counters.truncated(),
            "malformedRequests": counters.malformed(),
        })
    };
    let usage = store.read().usage().map(|part| {
        json!({
            "name": part.name,
            "entries": part.entries,
            "bytes": part.bytes,
            "limit": part.limit,
        })
    });
    Json(json!({ "signals": Signal::ALL.map(signal), "memory": usage }))
}
