//! OTLP: conversion of requests, the receivers, files.

mod export;
mod grpc;
mod http;
mod json;
mod logs;
mod metrics;
mod reader;
mod traces;

pub use self::{
    export::trace_json,
    grpc::grpc_routes,
    http::{MOST_BODY_BYTES, http_routes},
    json::add_json,
};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};

use crate::store::{Signal, Store};

/// Refused part of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Number of spans, records or points.
    pub count: usize,
    /// Reason; empty where nothing is refused.
    pub reason: &'static str,
}

impl Rejected {
    fn new(invalid: usize, full: usize, why_invalid: &'static str, why_full: &'static str) -> Self {
        let reason = match (invalid, full) {
            (0, 0) => "",
            (0, _) => why_full,
            _ => why_invalid,
        };
        Self { count: invalid + full, reason }
    }
}

/// Stores the spans of a request. Returns the spans that it refuses.
pub fn add_traces(store: &Store, request: ExportTraceServiceRequest) -> Rejected {
    let (spans, invalid, truncated) = store.intern(|interner| traces::read(interner, request));
    let full = store.add_spans(spans);
    let counters = store.counters().of(Signal::Traces);
    counters.add_rejected(invalid);
    counters.add_truncated(truncated);
    let why_invalid = "trace id and span id must have 16 and 8 bytes that are not all zero";
    Rejected::new(invalid, full, why_invalid, "a trace has at most 100000 spans")
}

/// Stores the log records of a request.
pub fn add_logs(store: &Store, request: ExportLogsServiceRequest) -> Rejected {
    let (records, truncated) = store.intern(|interner| logs::read(interner, request));
    store.add_logs(records);
    store.counters().of(Signal::Logs).add_truncated(truncated);
    Rejected::default()
}

/// Stores the metric points of a request. Returns the points that it refuses.
pub fn add_metrics(store: &Store, request: ExportMetricsServiceRequest) -> Rejected {
    let (points, invalid, truncated) = store.intern(|interner| metrics::read(interner, request));
    let full = store.add_points(points);
    let counters = store.counters().of(Signal::Metrics);
    counters.add_rejected(invalid);
    counters.add_truncated(truncated);
    Rejected::new(invalid, full, "a point must have a value", "there are at most 20000 series")
}
