//! Export of ended spans to the panel.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_sdk::{Resource, trace::SpanData};
use prost::Message;
use tracing_panel::{Served, otlp::MOST_BODY_BYTES};

use super::feed::Feed;
use crate::{
    export::{
        delivery::Outcome,
        otlp::protocol::batch_encoder::{BatchEncoder, EncodeItem},
        pipeline::exporter::BatchExporter,
    },
    trace::PooledRecord,
};

/// Exporter that stores spans in the panel. Its shutdown closes the listener of the pages.
#[derive(Debug)]
pub(super) struct PanelExporter {
    feed: Arc<Feed>,
    encoder: BatchEncoder,
    _served: Option<Served>,
}

impl PanelExporter {
    pub(super) fn new(feed: Arc<Feed>, served: Option<Served>) -> Self {
        let encoder = encoder(&Resource::builder_empty().build());
        Self { feed, encoder, _served: served }
    }

    fn add<S: EncodeItem>(&self, spans: &[&S]) -> Outcome {
        let batch = self.encoder.encode(spans, MOST_BODY_BYTES);
        let oversized = Outcome::failed("a span is larger than the panel accepts");
        let mut outcome = oversized.of_items(batch.oversized);
        for request in batch.requests {
            outcome = outcome.and(self.add_request(&request.bytes, request.items.len()));
        }
        outcome
    }

    fn add_request(&self, bytes: &[u8], spans: usize) -> Outcome {
        let outcome = match ExportTraceServiceRequest::decode(bytes) {
            Ok(request) => {
                let rejected = self.feed.panel().intake().add_traces(request);
                match rejected.count {
                    0 => Outcome::delivered(),
                    count => Outcome::rejected(count as u64, rejected.reason),
                }
            }
            Err(error) => Outcome::failed(error.to_string()),
        };
        outcome.of_items(spans as u64)
    }
}

impl BatchExporter for PanelExporter {
    fn export_spans(&mut self, spans: Vec<SpanData>) -> Outcome {
        self.add(&Vec::from_iter(&spans))
    }

    fn export_records(&mut self, records: &mut [PooledRecord]) -> Outcome {
        self.add(&Vec::from_iter(records.iter()))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.encoder = encoder(resource);
        self.feed.set_resource(resource);
    }
}

fn encoder(resource: &Resource) -> BatchEncoder {
    BatchEncoder::new(resource, MOST_BODY_BYTES)
}
