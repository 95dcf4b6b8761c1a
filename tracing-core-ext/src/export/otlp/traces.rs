//! Export of spans over OTLP.

mod halves;

use std::sync::Arc;

use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{Resource, trace::SpanData};

use self::halves::{halves, span_count};
use super::{client::OtlpClient, response::ExportResponse, settings::Settings};
use crate::{
    base::error::TelemetryError,
    export::{
        counts::Outcome,
        pipeline::exporter::{BatchExporter, block_on},
        state::ExportState,
        transport::retry::Failure,
    },
};

/// Largest message that receivers accept by default: 4 MiB.
const MAX_REQUEST_BYTES: usize = 4 << 20;

/// Sends spans.
#[derive(Debug)]
pub(crate) struct OtlpSpanExporter {
    client: OtlpClient,
    resource: ResourceAttributesWithSchema,
    max_bytes: usize,
}

impl OtlpSpanExporter {
    pub(crate) fn new(
        settings: Settings,
        state: &Arc<ExportState>,
    ) -> Result<Self, TelemetryError> {
        let client = OtlpClient::new(settings, state)?;
        let resource = ResourceAttributesWithSchema::default();
        Ok(Self { client, resource, max_bytes: MAX_REQUEST_BYTES })
    }

    /// Sends a request in parts that the receiver accepts.
    fn export(&self, request: ExportTraceServiceRequest) -> Outcome {
        let mut outcome = Outcome::delivered();
        let mut requests = vec![request];
        while let Some(request) = requests.pop() {
            let spans = span_count(&request) as u64;
            match self.send(&request) {
                Ok(response) => outcome = outcome.and(accepted(&response).of_items(spans)),
                Err(failure) if failure.is_too_large && spans > 1 => {
                    requests.extend(halves(request).into_iter().rev());
                }
                Err(failure) => {
                    outcome = outcome.and(Outcome::failed(failure.reason).of_items(spans));
                }
            }
        }
        outcome
    }

    fn send(&self, request: &ExportTraceServiceRequest) -> Result<ExportResponse, Failure> {
        let message = self.client.encode(request)?;
        match message.len() {
            bytes if bytes > self.max_bytes => Err(self.too_large(bytes)),
            _ => block_on(self.client.send(message)),
        }
    }

    fn too_large(&self, bytes: usize) -> Failure {
        let limit = self.max_bytes;
        let reason = format!("a span of {bytes} bytes is larger than a request of {limit} bytes");
        Failure { reason, is_too_large: true }
    }
}

/// Result of a request that the receiver has accepted, in whole or in part.
fn accepted(response: &ExportResponse) -> Outcome {
    match response.rejected {
        0 => Outcome::delivered(),
        rejected => Outcome::rejected(rejected, response.rejection_message()),
    }
}

impl BatchExporter for OtlpSpanExporter {
    fn export_spans(&mut self, spans: Vec<SpanData>) -> Outcome {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        self.export(ExportTraceServiceRequest { resource_spans })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}
