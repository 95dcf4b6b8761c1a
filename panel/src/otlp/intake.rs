//! Destinations of received requests.

use std::{fmt, sync::Arc};

use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};

use prost::Message;
use serde::Serialize;

use super::{archive::Archive, logs, metrics, traces};
use crate::store::{Signal, Store};

/// Store with an optional archive and optional forwarding.
#[derive(Clone, Debug)]
pub struct Intake {
    /// Store.
    pub store: Store,
    /// Archive.
    pub archive: Option<Archive>,
    /// Forwarding to another endpoint.
    pub forward: Option<Arc<dyn Forwarding>>,
}

/// Header of forwarded requests. A panel does not forward them again, which prevents loops.
pub(super) const FORWARDED: &str = "x-panel-forwarded";

/// Forwarding of received requests to another endpoint.
pub trait Forwarding: fmt::Debug + Send + Sync {
    /// Sends the encoded request of a signal later. It does not block.
    fn offer(&self, signal: Signal, request: Vec<u8>);

    /// URL to which requests are sent.
    fn endpoint(&self) -> &str;

    /// Returns the number of bytes that wait for sending.
    fn waiting_bytes(&self) -> usize;

    /// Returns the number of delivered requests.
    fn delivered(&self) -> u64;

    /// Returns the number of requests that were lost.
    fn lost(&self) -> u64;
}

impl Intake {
    /// Creates an intake for this store, without archive and forwarding.
    pub fn new(store: Store) -> Self {
        Self { store, archive: None, forward: None }
    }

    /// Stores the spans of a request. Returns the spans that it refuses.
    pub fn add_traces(&self, request: ExportTraceServiceRequest) -> Rejected {
        self.pass_on(Signal::Traces, &request);
        let store = &self.store;
        let (spans, invalid, truncated) = store.intern(|interner| traces::read(interner, request));
        let full = store.add_spans(spans);
        self.count(Signal::Traces, invalid, truncated);
        let why_invalid = "trace id and span id must have 16 and 8 bytes that are not all zero";
        Rejected::new(invalid, full, why_invalid, "a trace has at most 100000 spans")
    }

    /// Stores the log records of a request.
    pub fn add_logs(&self, request: ExportLogsServiceRequest) -> Rejected {
        self.pass_on(Signal::Logs, &request);
        let (records, truncated) = self.store.intern(|interner| logs::read(interner, request));
        self.store.add_logs(records);
        self.count(Signal::Logs, 0, truncated);
        Rejected::default()
    }

    /// Stores the metric points of a request. Returns the points that it refuses.
    pub fn add_metrics(&self, request: ExportMetricsServiceRequest) -> Rejected {
        self.pass_on(Signal::Metrics, &request);
        let store = &self.store;
        let (points, invalid, truncated) =
            store.intern(|interner| metrics::read(interner, request));
        let full = store.add_points(points);
        self.count(Signal::Metrics, invalid, truncated);
        let why_invalid = "a point must have a value and as many buckets as its bounds need";
        Rejected::new(invalid, full, why_invalid, "there are at most 20000 series")
    }

    /// Returns the same intake without forwarding.
    pub(super) fn without_forward(&self) -> Self {
        Self { forward: None, ..self.clone() }
    }

    fn pass_on(&self, signal: Signal, request: &(impl Message + Serialize)) {
        if let Some(archive) = &self.archive {
            archive.append(request);
        }
        if let Some(forward) = &self.forward {
            forward.offer(signal, request.encode_to_vec());
        }
    }

    fn count(&self, signal: Signal, invalid: usize, truncated: usize) {
        let counters = self.store.counters().of(signal);
        counters.add_rejected(invalid);
        counters.add_truncated(truncated);
    }
}

/// Refused entries of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Number of spans, records or points.
    pub count: usize,
    /// Reason, or an empty text if nothing is refused.
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
