//! Client of a collector.

pub(super) mod requests;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use prost::Message;
use reqwest::Client;
use serde::Serialize;

use super::{
    protocol::{
        encode, grpc,
        response::{self, ExportResponse},
    },
    settings::Settings,
};
use crate::{
    base::{contain_log_writer, error::TelemetryError, redacted_url::RedactedUrl},
    config::otlp::protocol::{Compression, Protocol},
    export::{
        delivery::ExportState,
        transport::{
            Transport,
            http_client::{build_client, client},
            response::HttpResponse,
            retry::{ExportError, Failure},
        },
    },
};

/// Sends the exports of one signal.
#[derive(Debug)]
pub(crate) struct OtlpClient {
    transport: Transport,
    target: Arc<OtlpRequest>,
    compression: Compression,
    state: Arc<ExportState>,
    /// Last warning of the collector, which was logged.
    warning: Mutex<Option<String>>,
}

#[derive(Debug)]
struct OtlpRequest {
    client: Client,
    url: RedactedUrl,
    protocol: Protocol,
    headers: HeaderMap,
}

impl OtlpClient {
    pub(crate) fn new(
        settings: Settings,
        state: &Arc<ExportState>,
    ) -> Result<Self, TelemetryError> {
        state.set_options(settings.options());
        let Settings { protocol, compression, .. } = settings;
        let client = match settings.http_client.clone() {
            Some(client) => client,
            None => own_client(&settings)?,
        };
        let headers = encode::headers(protocol, compression, settings.headers);
        Ok(Self {
            transport: Transport::new(settings.timeout, state)?,
            target: Arc::new(OtlpRequest { client, url: settings.url, protocol, headers }),
            compression,
            state: Arc::clone(state),
            warning: Mutex::default(),
        })
    }

    /// Encodes a message for the protocol.
    pub(super) fn encode(&self, message: &(impl Message + Serialize)) -> Result<Vec<u8>, Failure> {
        encode::message(message, self.target.protocol).ok_or_else(unwritable)
    }

    /// Sends a message that [`encode`](Self::encode) has returned, with retries.
    pub(super) async fn send(&self, message: Vec<u8>) -> Result<ExportResponse, Failure> {
        let body = encode::body(message, self.target.protocol, self.compression);
        let body = body.ok_or_else(unwritable)?;
        let target = Arc::clone(&self.target);
        let attempt = move || Arc::clone(&target).attempt(body.clone());
        let answer = self.transport.send(attempt).await?;
        self.log_warning(answer.warning());
        Ok(answer)
    }

    /// Logs a warning of the collector if it differs from the last one.
    fn log_warning(&self, warning: Option<&str>) {
        let Some(warning) = warning else { return };
        let mut last = self.warning.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_deref() == Some(warning) {
            return;
        }
        *last = Some(warning.to_owned());
        drop(last);
        let endpoint = self.state.destination();
        contain_log_writer(|| {
            self.state.log(|| tracing::warn!(endpoint, "message of the collector: {warning}"));
        });
    }
}

fn unwritable() -> Failure {
    Failure::new("the message cannot be encoded for this protocol")
}

impl OtlpRequest {
    async fn attempt(self: Arc<Self>, body: Bytes) -> Result<ExportResponse, ExportError> {
        let request = self.client.post(self.url.as_str()).headers(self.headers.clone()).body(body);
        let received = HttpResponse::send(request).await?;
        match self.protocol {
            Protocol::Grpc => grpc::parse_response(received),
            Protocol::HttpProtobuf | Protocol::HttpJson => response::parse_response(&received),
        }
    }
}

fn own_client(settings: &Settings) -> Result<Client, TelemetryError> {
    let is_https = settings.endpoint.is_https();
    let client = client(settings.endpoint.is_loopback(), is_https);
    let client = match settings.protocol {
        // Without TLS there is no tunnel through a proxy, and a proxy reads HTTP/1.
        Protocol::Grpc if !is_https => client.http2_prior_knowledge().no_proxy(),
        Protocol::Grpc => client.http2_prior_knowledge(),
        _ => client,
    };
    let client = settings.tls.apply(client)?;
    build_client(client)
}
