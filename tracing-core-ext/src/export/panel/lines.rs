//! Log records for the panel.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_sdk::Resource;
use prost::Message;
use tracing_panel::otlp::MOST_BODY_BYTES;

use super::feed::Feed;
use crate::{
    export::{
        delivery::Outcome, otlp::protocol::batch_encoder::BatchEncoder, pipeline::logs::LogExporter,
    },
    logs::LogRecord,
};

/// Exporter that stores log records in the panel.
pub(super) struct PanelLogExporter {
    feed: Arc<Feed>,
    encoder: BatchEncoder,
}

impl PanelLogExporter {
    pub(super) fn new(feed: Arc<Feed>) -> Self {
        Self { feed, encoder: encoder(&Resource::builder_empty().build()) }
    }
}

impl PanelLogExporter {
    fn add_request(&self, bytes: &[u8], records: usize) -> Outcome {
        let outcome = match ExportLogsServiceRequest::decode(bytes) {
            Ok(request) => {
                let rejected = self.feed.panel().intake().add_logs(request);
                match rejected.count {
                    0 => Outcome::delivered(),
                    count => Outcome::rejected(count as u64, rejected.reason),
                }
            }
            Err(error) => Outcome::failed(error.to_string()),
        };
        outcome.of_items(records as u64)
    }
}

impl LogExporter for PanelLogExporter {
    fn export(&mut self, records: &[&LogRecord]) -> Outcome {
        let batch = self.encoder.encode(records, MOST_BODY_BYTES);
        let oversized = Outcome::failed("a log record is larger than the panel accepts");
        let mut outcome = oversized.of_items(batch.oversized);
        for request in batch.requests {
            outcome = outcome.and(self.add_request(&request.bytes, request.items.len()));
        }
        outcome
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.encoder = encoder(resource);
        self.feed.set_resource(resource);
    }
}

fn encoder(resource: &Resource) -> BatchEncoder {
    BatchEncoder::new(resource, MOST_BODY_BYTES)
}
