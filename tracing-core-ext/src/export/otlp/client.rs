use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use prost::Message;
use reqwest::Client;
use serde::Serialize;

#[cfg(feature = "grpc")]
use super::grpc;
use super::{
    encode,
    response::{self, Answer},
    settings::Settings,
};
use crate::{
    base::{error::TelemetryError, redacted_url::SecretUrl},
    config::{Compression, protocol::Protocol},
    export::{
        delivery::Delivery,
        transport::{
            Transport,
            http_client::{built, client},
            response::Received,
            retry::Failure,
        },
    },
};

/// Sends what a signal exports.
#[derive(Debug)]
pub(crate) struct Sender {
    transport: Transport,
    target: Arc<Target>,
    compression: Compression,
    delivery: Arc<Delivery>,
    /// What the collector has last said, and was logged.
    advice: Mutex<Option<String>>,
}

#[derive(Debug)]
struct Target {
    client: Client,
    url: SecretUrl,
    protocol: Protocol,
    headers: HeaderMap,
}

impl Sender {
    pub(crate) fn new(
        settings: Settings,
        delivery: &Arc<Delivery>,
    ) -> Result<Self, TelemetryError> {
        let Settings { protocol, compression, .. } = settings;
        let client = match settings.http_client.clone() {
            Some(client) => client,
            None => own_client(&settings)?,
        };
        let headers = encode::headers(protocol, compression, settings.headers);
        Ok(Self {
            transport: Transport::new(settings.timeout, delivery)?,
            target: Arc::new(Target { client, url: settings.url, protocol, headers }),
            compression,
            delivery: Arc::clone(delivery),
            advice: Mutex::default(),
        })
    }

    /// Sends it, again where that may help, and tells what the collector says or why it was not delivered.
    pub(crate) async fn send(
        &self,
        message: &(impl Message + Serialize),
    ) -> Result<Answer, String> {
        let body = encode::body(message, self.target.protocol, self.compression);
        let body = body.ok_or("it cannot be written in this protocol")?;
        let target = Arc::clone(&self.target);
        let attempt = move || Arc::clone(&target).attempt(body.clone());
        let answer = self.transport.send(attempt).await?;
        self.tell(answer.advice());
        Ok(answer)
    }

    /// A line where the collector says something new.
    fn tell(&self, advice: Option<&str>) {
        let Some(advice) = advice else { return };
        let mut told = self.advice.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_deref() == Some(advice) {
            return;
        }
        *told = Some(advice.to_owned());
        drop(told);
        let endpoint = self.delivery.destination();
        self.delivery.log(|| tracing::warn!(endpoint, "the collector says: {advice}"));
    }
}

impl Target {
    async fn attempt(self: Arc<Self>, body: Bytes) -> Result<Answer, Failure> {
        let request = self.client.post(self.url.as_str()).headers(self.headers.clone()).body(body);
        let received = Received::to(request).await?;
        match self.protocol {
            #[cfg(feature = "grpc")]
            Protocol::Grpc => grpc::judge(&received),
            Protocol::HttpProtobuf | Protocol::HttpJson => response::judge(&received),
        }
    }
}

fn own_client(settings: &Settings) -> Result<Client, TelemetryError> {
    let client = client(settings.endpoint.is_loopback(), settings.endpoint.is_https());
    #[cfg(feature = "grpc")]
    let client = match settings.protocol {
        Protocol::Grpc => client.http2_prior_knowledge(),
        _ => client,
    };
    #[cfg(feature = "tls")]
    let client = settings.tls.apply(client)?;
    built(client)
}
