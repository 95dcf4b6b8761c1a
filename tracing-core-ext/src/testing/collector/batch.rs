//! The content of a request.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse},
    metrics::v1::{
        ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    },
    trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse},
};
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    convert,
    metrics::{self, Points, ReceivedPoint},
};
use crate::{
    logs::LogRecord,
    testing::recorded::store::{State, StoredSpan},
};

/// Message of a partial success.
const REJECTED: &str = "the test collector accepts a part of this request";

/// Items of a request, by its path.
pub(super) enum Batch {
    Traces(Vec<StoredSpan>),
    Metrics(Vec<ReceivedPoint>),
    Logs(Vec<LogRecord>),
}

impl Batch {
    /// Parses the body of a request. The error is a message for the exporter.
    pub(super) fn parse(path: &str, body: &Bytes, is_json: bool) -> Result<Self, String> {
        match path {
            "/v1/traces" => {
                let request: ExportTraceServiceRequest = decoded(body, is_json)?;
                Ok(Self::Traces(convert::spans(request)?))
            }
            "/v1/metrics" => {
                let request: ExportMetricsServiceRequest = decoded(body, is_json)?;
                Ok(Self::Metrics(metrics::points(request)))
            }
            "/v1/logs" => {
                let request: ExportLogsServiceRequest = decoded(body, is_json)?;
                Ok(Self::Logs(convert::log_records(request)?))
            }
            other => Err(format!("{other} is no path of OTLP/HTTP")),
        }
    }

    /// Returns the number of spans, data points or log records.
    pub(super) fn items(&self) -> usize {
        match self {
            Self::Traces(spans) => spans.len(),
            Self::Metrics(points) => points.len(),
            Self::Logs(records) => records.len(),
        }
    }

    /// Returns the body of a response that accepts everything.
    pub(super) fn accepted(&self, is_json: bool) -> Vec<u8> {
        self.response(0, is_json)
    }

    /// Keeps the first items, and returns the body of a response that rejects the others.
    pub(super) fn accept_part(&mut self, kept: usize, is_json: bool) -> Vec<u8> {
        let rejected = self.items().saturating_sub(kept);
        match self {
            Self::Traces(spans) => spans.truncate(kept),
            Self::Metrics(points) => points.truncate(kept),
            Self::Logs(records) => records.truncate(kept),
        }
        self.response(i64::try_from(rejected).unwrap_or(i64::MAX), is_json)
    }

    fn response(&self, rejected: i64, is_json: bool) -> Vec<u8> {
        let is_partial = rejected > 0;
        let error_message = REJECTED.to_owned();
        match self {
            Self::Traces(_) => {
                let partial = ExportTracePartialSuccess { rejected_spans: rejected, error_message };
                let partial_success = is_partial.then_some(partial);
                encoded(&ExportTraceServiceResponse { partial_success }, is_json)
            }
            Self::Metrics(_) => {
                let partial =
                    ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message };
                let partial_success = is_partial.then_some(partial);
                encoded(&ExportMetricsServiceResponse { partial_success }, is_json)
            }
            Self::Logs(_) => {
                let partial =
                    ExportLogsPartialSuccess { rejected_log_records: rejected, error_message };
                let partial_success = is_partial.then_some(partial);
                encoded(&ExportLogsServiceResponse { partial_success }, is_json)
            }
        }
    }

    /// Adds metrics to those that have arrived before.
    pub(super) fn merge_metrics(&mut self, points: &Points) {
        if let Self::Metrics(received) = self {
            metrics::merge(points, std::mem::take(received));
        }
    }

    /// Adds spans and log records to those that have arrived before.
    pub(super) fn store(self, state: &mut State) {
        match self {
            Self::Traces(spans) => state.spans.extend(spans),
            Self::Logs(records) => state.logs.extend(records),
            Self::Metrics(_) => {}
        }
    }
}

fn decoded<T: Message + Default + DeserializeOwned>(
    body: &Bytes,
    is_json: bool,
) -> Result<T, String> {
    match is_json {
        true => serde_json::from_slice(body).map_err(|error| format!("invalid OTLP/JSON: {error}")),
        false => T::decode(body.clone()).map_err(|error| format!("invalid protobuf: {error}")),
    }
}

fn encoded<T: Message + Serialize>(response: &T, is_json: bool) -> Vec<u8> {
    match is_json {
        true => serde_json::to_vec(response).unwrap_or_default(),
        false => response.encode_to_vec(),
    }
}
