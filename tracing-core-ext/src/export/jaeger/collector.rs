use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use opentelemetry_sdk::trace::SpanData;
use reqwest::{Client, Url};

use super::{encoder::Encoder, losses::BatchLoss};
use crate::{
    base::{error::TelemetryError, redacted_url::is_loopback},
    config::jaeger::{Credentials, JaegerConfig},
    export::{
        delivery::ExportState,
        transport::{
            Transport,
            http_client::{build_client, client},
            request_size::RequestSize,
            response::HttpResponse,
            retry::{ExportError, Failure},
        },
    },
};

const THRIFT: &str = "application/vnd.apache.thrift.binary";

/// Sends batches to a collector with POST requests.
#[derive(Debug)]
pub(super) struct Collector {
    transport: Transport,
    target: Arc<CollectorRequest>,
    size: RequestSize,
}

struct CollectorRequest {
    client: Client,
    url: Url,
    credentials: Option<Credentials>,
}

impl Collector {
    pub(super) fn new(
        url: &Url,
        jaeger: &JaegerConfig,
        timeout: Duration,
        state: &Arc<ExportState>,
    ) -> Result<Self, TelemetryError> {
        let is_loopback = url.host_str().is_some_and(is_loopback);
        let client = build_client(client(is_loopback, url.scheme() == "https"))?;
        let credentials = jaeger.credentials.clone();
        Ok(Self {
            transport: Transport::new(timeout, state)?,
            target: Arc::new(CollectorRequest { client, url: url.clone(), credentials }),
            size: RequestSize::new(usize::MAX),
        })
    }

    /// Sends a batch, in parts if the collector refuses it because of its size. The reason of a
    /// loss contains the status and the message of the collector, or else the innermost cause.
    pub(super) async fn send(&self, batch: &[SpanData], encoder: &Encoder) -> BatchLoss {
        let (mut losses, mut parts) = (BatchLoss::default(), vec![batch]);
        while let Some(part) = parts.pop() {
            match self.send_part(part, encoder).await {
                Ok(()) => {}
                Err(failure) if failure.is_too_large && part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Err(failure) => losses.add(part.len() as u64, failure.reason),
            }
        }
        losses
    }

    async fn send_part(&self, part: &[SpanData], encoder: &Encoder) -> Result<(), Failure> {
        let body = Bytes::from(encoder.encode(part).map_err(Failure::new)?);
        let bytes = body.len();
        if part.len() > 1 && bytes > self.size.bytes() {
            return Err(Failure::too_large("larger than what the collector has refused"));
        }
        let target = Arc::clone(&self.target);
        let sent = self.transport.send(move || Arc::clone(&target).attempt(body.clone())).await;
        sent.inspect_err(|failure| {
            if failure.is_too_large && part.len() > 1 {
                self.size.on_refused(bytes);
            }
        })
    }
}

impl CollectorRequest {
    async fn attempt(self: Arc<Self>, batch: Bytes) -> Result<(), ExportError> {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, THRIFT).body(batch);
        let request = match &self.credentials {
            Some(Credentials { user, password }) => request.basic_auth(user, Some(password)),
            None => request,
        };
        parse_response(&HttpResponse::send(request).await?)
    }
}

/// Returns the result of an export.
pub(crate) fn parse_response(received: &HttpResponse) -> Result<(), ExportError> {
    match received.status.is_success() {
        true => Ok(()),
        false => Err(received.failure(Some(&String::from_utf8_lossy(&received.body)))),
    }
}

/// Prints no fields, because headers and the query may be secret.
impl fmt::Debug for CollectorRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorRequest").finish_non_exhaustive()
    }
}
