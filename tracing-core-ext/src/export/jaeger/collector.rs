use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use reqwest::{Client, Url};

use crate::{
    base::{error::TelemetryError, redacted_url::is_loopback},
    config::jaeger::{Credentials, JaegerConfig},
    export::{
        delivery::ExportState,
        transport::{
            Transport,
            http_client::{build_client, client},
            response::HttpResponse,
            retry::ExportError,
        },
    },
};

const THRIFT: &str = "application/vnd.apache.thrift.binary";

/// Sends batches to a collector with POST requests.
#[derive(Debug)]
pub(super) struct Collector {
    transport: Transport,
    target: Arc<CollectorRequest>,
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
        })
    }

    /// Sends a batch. The error contains the status and the message of the collector, or else the
    /// innermost cause.
    pub(super) async fn send(&self, batch: Vec<u8>) -> Result<(), String> {
        let (target, batch) = (Arc::clone(&self.target), Bytes::from(batch));
        let sent = self.transport.send(move || Arc::clone(&target).attempt(batch.clone())).await;
        sent.map_err(|failure| failure.reason)
    }
}

impl CollectorRequest {
    async fn attempt(self: Arc<Self>, batch: Bytes) -> Result<(), ExportError> {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, THRIFT).body(batch);
        let request = match &self.credentials {
            Some(Credentials { user, password }) => request.basic_auth(user, Some(password)),
            None => request,
        };
        let received = HttpResponse::send(request).await?;
        match received.status.is_success() {
            true => Ok(()),
            false => Err(received.failure(Some(&String::from_utf8_lossy(&received.body)))),
        }
    }
}

/// Prints no fields, because headers and the query may be secret.
impl fmt::Debug for CollectorRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorRequest").finish_non_exhaustive()
    }
}
