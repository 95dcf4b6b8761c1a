//! Export of log records over OTLP.

mod encoder;

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_sdk::Resource;
use prost::Message;

use super::{
    client::requests::{MAX_REQUEST_BYTES, Requests},
    protocol::batch_encoder::BatchEncoder,
    settings::Settings,
};
use crate::{
    base::error::TelemetryError,
    config::otlp::protocol::Protocol,
    export::{
        delivery::{ExportState, Outcome},
        pipeline::logs::LogExporter,
    },
    logs::LogRecord,
};

/// Sends log records: as protobuf directly from the records, as JSON of the same messages.
#[derive(Debug)]
pub(crate) struct OtlpLogExporter {
    encoder: BatchEncoder,
    is_json: bool,
    requests: Requests,
}

impl OtlpLogExporter {
    pub(crate) fn new(
        settings: Settings,
        state: &Arc<ExportState>,
    ) -> Result<Self, TelemetryError> {
        Ok(Self {
            encoder: BatchEncoder::new(&Resource::builder_empty().build(), MAX_REQUEST_BYTES),
            is_json: settings.protocol == Protocol::HttpJson,
            requests: Requests::new(settings, state, "a log record")?,
        })
    }
}

impl LogExporter for OtlpLogExporter {
    fn export(&mut self, records: &[&LogRecord]) -> Outcome {
        let Self { encoder, requests, .. } = self;
        if !self.is_json {
            return requests.send_protobuf(encoder, records);
        }
        requests.send_json(records, &|records: &[&LogRecord], max_bytes| {
            message(&encoder.with_max_request_bytes(max_bytes), records)
        })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.encoder = BatchEncoder::new(resource, MAX_REQUEST_BYTES);
    }
}

/// Returns the message of these records and the number of records whose strings are truncated, or
/// `None` if it is larger than the encoder allows.
fn message(
    encoder: &BatchEncoder,
    records: &[&LogRecord],
) -> Option<(ExportLogsServiceRequest, u64)> {
    let batch = encoder.encode(records, usize::MAX);
    let [request] = &batch.requests[..] else { return None };
    let message = ExportLogsServiceRequest::decode(&*request.bytes).ok()?;
    (batch.oversized == 0).then_some((message, request.truncated))
}
