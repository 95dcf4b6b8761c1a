//! Export of spans over OTLP.

mod encoder;

use std::sync::Arc;

use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{Resource, trace::SpanData};

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
        pipeline::exporter::BatchExporter,
    },
    trace::PooledRecord,
};

/// Sends spans: as protobuf directly from their records, as JSON through the types of `opentelemetry-proto`.
#[derive(Debug)]
pub(crate) struct OtlpSpanExporter {
    encoding: Encoding,
    requests: Requests,
}

#[derive(Debug)]
enum Encoding {
    Protobuf(BatchEncoder),
    Json(ResourceAttributesWithSchema),
}

impl OtlpSpanExporter {
    pub(crate) fn new(
        settings: Settings,
        state: &Arc<ExportState>,
    ) -> Result<Self, TelemetryError> {
        let encoding = match settings.protocol {
            Protocol::HttpJson => Encoding::Json(ResourceAttributesWithSchema::default()),
            _ => Encoding::Protobuf(protobuf(&Resource::builder_empty().build())),
        };
        Ok(Self { encoding, requests: Requests::new(settings, state, "a span")? })
    }
}

fn send_json(
    requests: &Requests,
    resource: &ResourceAttributesWithSchema,
    spans: &[SpanData],
) -> Outcome {
    requests.send_json(spans, &|spans: &[SpanData], _| {
        let resource_spans = group_spans_by_resource_and_scope(spans.to_vec(), resource);
        Some((ExportTraceServiceRequest { resource_spans }, 0))
    })
}

fn protobuf(resource: &Resource) -> BatchEncoder {
    BatchEncoder::new(resource, MAX_REQUEST_BYTES)
}

impl BatchExporter for OtlpSpanExporter {
    fn export_spans(&mut self, spans: Vec<SpanData>) -> Outcome {
        match &self.encoding {
            Encoding::Protobuf(encoder) => {
                self.requests.send_protobuf(encoder, &Vec::from_iter(&spans))
            }
            Encoding::Json(resource) => send_json(&self.requests, resource, &spans),
        }
    }

    fn export_records(&mut self, records: &mut [PooledRecord]) -> Outcome {
        match &self.encoding {
            Encoding::Protobuf(encoder) => {
                self.requests.send_protobuf(encoder, &Vec::from_iter(records.iter()))
            }
            Encoding::Json(resource) => {
                let spans = records.iter_mut().map(|record| record.take_span_data());
                send_json(&self.requests, resource, &Vec::from_iter(spans))
            }
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.encoding = match self.encoding {
            Encoding::Protobuf(_) => Encoding::Protobuf(protobuf(resource)),
            Encoding::Json(_) => Encoding::Json(resource.into()),
        };
    }
}
