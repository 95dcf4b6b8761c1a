use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use prost::Message;
use reqwest::{Client, redirect::Policy};
use serde::Serialize;

#[cfg(feature = "grpc")]
use super::grpc;
use super::{
    answer::Answer,
    encoding,
    http::{Received, root_cause, unsent},
    retry::{Failure, Retry},
    runtime::ExportRuntime,
    settings::Settings,
};
use crate::telemetry::{
    config::{Compression, Protocol},
    delivery::Delivery,
    error::TelemetryError,
};

/// Sends what a signal exports, on a thread of its own.
#[derive(Debug)]
pub(in crate::telemetry) struct Sender {
    runtime: ExportRuntime,
    target: Arc<Target>,
    compression: Compression,
    timeout: Duration,
    delivery: Arc<Delivery>,
    /// What the collector has last said, and was logged.
    advice: Mutex<Option<String>>,
}

#[derive(Debug)]
struct Target {
    client: Client,
    url: String,
    protocol: Protocol,
    headers: HeaderMap,
    retry: Retry,
}

impl Sender {
    pub(in crate::telemetry) fn new(
        settings: Settings,
        delivery: &Arc<Delivery>,
    ) -> Result<Self, TelemetryError> {
        let Settings { protocol, compression, .. } = settings;
        let client = match settings.http_client.clone() {
            Some(client) => client,
            None => client(&settings)?,
        };
        let headers = encoding::headers(protocol, compression, settings.headers);
        Ok(Self {
            runtime: ExportRuntime::new().map_err(TelemetryError::exporter)?,
            target: Arc::new(Target {
                client,
                url: settings.url,
                protocol,
                headers,
                retry: Retry::default(),
            }),
            compression,
            timeout: settings.timeout,
            delivery: Arc::clone(delivery),
            advice: Mutex::default(),
        })
    }

    /// Sends it, again where that may help, and tells what the collector says or why it was not delivered.
    pub(in crate::telemetry) async fn send(
        &self,
        message: &(impl Message + Serialize),
    ) -> Result<Answer, String> {
        let body = encoding::body(message, self.target.protocol, self.compression);
        let body = body.ok_or("it cannot be written in this protocol")?;
        let (target, delivery) = (Arc::clone(&self.target), Arc::clone(&self.delivery));
        let timeout = self.timeout;
        let sending = self.runtime.run(async move {
            let attempt = || Arc::clone(&target).attempt(body.clone());
            target.retry.until_delivered(timeout, delivery.closing(), attempt).await
        });
        let answer =
            sending.await.unwrap_or_else(|| Err("the exporter is shut down".to_owned()))?;
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
        let request = self.client.post(&self.url).headers(self.headers.clone()).body(body);
        let response = request.send().await.map_err(|error| unsent(&error))?;
        let received = Received::read(response).await?;
        match self.protocol {
            #[cfg(feature = "grpc")]
            Protocol::Grpc => grpc::judge(&received),
            Protocol::HttpProtobuf | Protocol::HttpJson => received.judge(),
        }
    }
}

/// Redirects are not followed: they turn the POST into a GET without any spans.
fn client(settings: &Settings) -> Result<Client, TelemetryError> {
    let client = Client::builder().redirect(Policy::none());
    let client = match settings.endpoint.is_loopback() {
        true => client.no_proxy(),
        false => client,
    };
    #[cfg(feature = "grpc")]
    let client = match settings.protocol {
        Protocol::Grpc => client.http2_prior_knowledge(),
        _ => client,
    };
    #[cfg(feature = "tls")]
    let client = settings.tls.apply(client, settings.endpoint.is_https())?;
    client.build().map_err(|error| TelemetryError::exporter(root_cause(&error).to_string()))
}
