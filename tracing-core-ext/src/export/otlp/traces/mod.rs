//! Export of spans over OTLP.

pub(crate) mod encoder;
mod protobuf;

use std::{cell::Cell, sync::Arc};

use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{Resource, trace::SpanData};

use self::encoder::{EncodeSpan, EncodedRequest, TraceEncoder};
use super::{client::OtlpClient, settings::Settings};
use crate::{
    base::{contain_log_writer, error::TelemetryError},
    config::otlp::protocol::Protocol,
    export::{
        delivery::{ExportState, Outcome},
        pipeline::exporter::{BatchExporter, block_on},
        transport::{request_size::RequestSize, retry::Failure},
    },
    trace::PooledRecord,
};

/// Largest message that receivers accept by default: 4 MiB.
const MAX_REQUEST_BYTES: usize = 4 << 20;

/// Sends spans: as protobuf directly from their records, as JSON through the types of `opentelemetry-proto`.
#[derive(Debug)]
pub(crate) struct OtlpSpanExporter {
    encoding: Encoding,
    requests: Requests,
}

#[derive(Debug)]
enum Encoding {
    Protobuf(TraceEncoder),
    Json(ResourceAttributesWithSchema),
}

/// Sends batches in requests that the receiver accepts.
#[derive(Debug)]
struct Requests {
    client: OtlpClient,
    state: Arc<ExportState>,
    has_warned: Cell<bool>,
    size: RequestSize,
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
        let client = OtlpClient::new(settings, state)?;
        let state = Arc::clone(state);
        let size = RequestSize::new(MAX_REQUEST_BYTES);
        let has_warned = Cell::new(false);
        Ok(Self { encoding, requests: Requests { client, state, has_warned, size } })
    }
}

impl Requests {
    fn send_protobuf<S: EncodeSpan>(&self, encoder: &TraceEncoder, spans: &[&S]) -> Outcome {
        let batch = encoder.encode(spans, self.size.bytes());
        let mut outcome = too_large().of_items(batch.oversized);
        for EncodedRequest { bytes, spans: indices, truncated } in batch.requests {
            self.warn_truncated(truncated);
            let sent = self.send(bytes, indices.len());
            outcome = outcome.and(sent.unwrap_or_else(|RequestTooLarge| {
                let spans: Vec<&S> = indices.iter().map(|at| spans[*at]).collect();
                let (first, second) = spans.split_at(spans.len() / 2);
                self.send_protobuf(encoder, first).and(self.send_protobuf(encoder, second))
            }));
        }
        outcome
    }

    fn send_json(&self, resource: &ResourceAttributesWithSchema, spans: &[SpanData]) -> Outcome {
        let resource_spans = group_spans_by_resource_and_scope(spans.to_vec(), resource);
        let sent = match self.client.encode(&ExportTraceServiceRequest { resource_spans }) {
            Err(failure) => Ok(failed(failure, spans.len())),
            Ok(json) if json.len() > self.size.bytes() && spans.len() > 1 => Err(RequestTooLarge),
            Ok(json) if json.len() <= MAX_REQUEST_BYTES => self.send(json, spans.len()),
            Ok(_) => Ok(too_large().of_items(1)),
        };
        sent.unwrap_or_else(|RequestTooLarge| {
            let (first, second) = spans.split_at(spans.len() / 2);
            self.send_json(resource, first).and(self.send_json(resource, second))
        })
    }

    fn send(&self, message: Vec<u8>, spans: usize) -> Result<Outcome, RequestTooLarge> {
        let bytes = message.len();
        match block_on(self.client.send(message)) {
            Ok(response) if response.rejected == 0 => Ok(Outcome::delivered()),
            Ok(response) => {
                let outcome = Outcome::rejected(response.rejected, response.rejection_message());
                Ok(outcome.of_items(spans as u64))
            }
            Err(failure) if failure.is_too_large && spans > 1 => {
                self.size.on_refused(bytes);
                Err(RequestTooLarge)
            }
            Err(failure) => Ok(failed(failure, spans)),
        }
    }

    /// Logs one line when strings are truncated for the first time.
    fn warn_truncated(&self, spans: u64) {
        if spans == 0 || self.has_warned.replace(true) {
            return;
        }
        let (endpoint, limit) = (self.state.destination(), MAX_REQUEST_BYTES);
        let warn = || {
            tracing::warn!(
                endpoint,
                "the strings of a span are truncated, because it is larger than a request of \
                 {limit} bytes; later ones are not reported"
            );
        };
        contain_log_writer(|| self.state.log(warn));
    }
}

/// Error of a receiver that refuses a request of several spans because of its size.
struct RequestTooLarge;

fn failed(failure: Failure, spans: usize) -> Outcome {
    Outcome::failed(failure.reason).of_items(spans as u64)
}

fn too_large() -> Outcome {
    Outcome::failed(format!("a span is larger than a request of {MAX_REQUEST_BYTES} bytes"))
}

fn protobuf(resource: &Resource) -> TraceEncoder {
    TraceEncoder::new(resource, MAX_REQUEST_BYTES)
}

impl BatchExporter for OtlpSpanExporter {
    fn export_spans(&mut self, spans: Vec<SpanData>) -> Outcome {
        match &self.encoding {
            Encoding::Protobuf(encoder) => {
                self.requests.send_protobuf(encoder, &Vec::from_iter(&spans))
            }
            Encoding::Json(resource) => self.requests.send_json(resource, &spans),
        }
    }

    fn export_records(&mut self, records: &mut [PooledRecord]) -> Outcome {
        match &self.encoding {
            Encoding::Protobuf(encoder) => {
                self.requests.send_protobuf(encoder, &Vec::from_iter(records.iter()))
            }
            Encoding::Json(resource) => {
                let spans = records.iter_mut().map(|record| record.take_span_data());
                self.requests.send_json(resource, &Vec::from_iter(spans))
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
