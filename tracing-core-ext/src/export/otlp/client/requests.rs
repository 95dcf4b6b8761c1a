use std::{cell::Cell, sync::Arc};

use prost::Message;
use serde::Serialize;

use super::OtlpClient;
use crate::{
    base::{contain_log_writer, error::TelemetryError},
    export::{
        delivery::{ExportState, Outcome},
        otlp::{
            protocol::batch_encoder::{BatchEncoder, EncodeItem, EncodedRequest},
            settings::Settings,
        },
        pipeline::exporter::block_on,
        transport::{request_size::RequestSize, retry::Failure},
    },
};

/// Largest message that receivers accept by default: 4 MiB.
pub(in crate::export::otlp) const MAX_REQUEST_BYTES: usize = 4 << 20;

/// Largest size in protobuf of an item whose JSON is larger than a request. A byte of a string has
/// up to six bytes in JSON.
const MAX_JSON_SOURCE_BYTES: usize = MAX_REQUEST_BYTES / 8;

/// Sends batches in requests that the receiver accepts.
#[derive(Debug)]
pub(in crate::export::otlp) struct Requests {
    client: OtlpClient,
    state: Arc<ExportState>,
    /// Name of an item in messages, with its article.
    item: &'static str,
    has_warned: Cell<bool>,
    size: RequestSize,
}

/// Error of a receiver that refuses a request of several items because of its size.
struct RequestTooLarge;

impl Requests {
    pub(in crate::export::otlp) fn new(
        settings: Settings,
        state: &Arc<ExportState>,
        item: &'static str,
    ) -> Result<Self, TelemetryError> {
        Ok(Self {
            client: OtlpClient::new(settings, state)?,
            state: Arc::clone(state),
            item,
            has_warned: Cell::new(false),
            size: RequestSize::new(MAX_REQUEST_BYTES),
        })
    }

    pub(in crate::export::otlp) fn send_protobuf<I: EncodeItem>(
        &self,
        encoder: &BatchEncoder,
        items: &[&I],
    ) -> Outcome {
        let batch = encoder.encode(items, self.size.bytes());
        let mut outcome = self.too_large().of_items(batch.oversized);
        for EncodedRequest { bytes, items: indices, truncated } in batch.requests {
            self.warn_truncated(truncated);
            let sent = self.send(bytes, indices.len());
            outcome = outcome.and(sent.unwrap_or_else(|RequestTooLarge| {
                let items: Vec<&I> = indices.iter().map(|at| items[*at]).collect();
                let (first, second) = items.split_at(items.len() / 2);
                self.send_protobuf(encoder, first).and(self.send_protobuf(encoder, second))
            }));
        }
        outcome
    }

    /// Sends items as JSON. `message` makes a message of at most this size in protobuf, if that is
    /// possible, and returns the number of items whose strings it has truncated.
    pub(in crate::export::otlp) fn send_json<I, M: Message + Serialize>(
        &self,
        items: &[I],
        message: &impl Fn(&[I], usize) -> Option<(M, u64)>,
    ) -> Outcome {
        let json = |max_bytes| {
            let (message, truncated) = message(items, max_bytes)?;
            self.warn_truncated(truncated);
            Some(self.client.encode(&message))
        };
        let limit = if items.len() > 1 { self.size.bytes() } else { MAX_REQUEST_BYTES };
        let sent = match json(MAX_REQUEST_BYTES) {
            Some(Err(failure)) => Ok(failed(failure, items.len())),
            Some(Ok(json)) if json.len() <= limit => self.send(json, items.len()),
            Some(Ok(_)) | None if items.len() > 1 => Err(RequestTooLarge),
            Some(Ok(_)) | None => match json(MAX_JSON_SOURCE_BYTES) {
                Some(Ok(json)) if json.len() <= MAX_REQUEST_BYTES => self.send(json, 1),
                _ => Ok(self.too_large().of_items(1)),
            },
        };
        sent.unwrap_or_else(|RequestTooLarge| {
            let (first, second) = items.split_at(items.len() / 2);
            self.send_json(first, message).and(self.send_json(second, message))
        })
    }

    fn send(&self, message: Vec<u8>, items: usize) -> Result<Outcome, RequestTooLarge> {
        let bytes = message.len();
        match block_on(self.client.send(message)) {
            Ok(response) if response.rejected == 0 => Ok(Outcome::delivered()),
            Ok(response) => {
                let outcome = Outcome::rejected(response.rejected, response.rejection_message());
                Ok(outcome.of_items(items as u64))
            }
            Err(failure) if failure.is_too_large && items > 1 => {
                self.size.on_refused(bytes);
                Err(RequestTooLarge)
            }
            Err(failure) => Ok(failed(failure, items)),
        }
    }

    /// Logs one line when strings are truncated for the first time.
    fn warn_truncated(&self, items: u64) {
        if items == 0 || self.has_warned.replace(true) {
            return;
        }
        let (endpoint, limit, item) = (self.state.destination(), MAX_REQUEST_BYTES, self.item);
        let warn = || {
            tracing::warn!(
                endpoint,
                "the strings of {item} are truncated, because it is larger than a request of \
                 {limit} bytes; later ones are not reported"
            );
        };
        contain_log_writer(|| self.state.log(warn));
    }

    fn too_large(&self) -> Outcome {
        let item = self.item;
        Outcome::failed(format!("{item} is larger than a request of {MAX_REQUEST_BYTES} bytes"))
    }
}

fn failed(failure: Failure, items: usize) -> Outcome {
    Outcome::failed(failure.reason).of_items(items as u64)
}
