//! What all exports over HTTP have in common, whatever they send.
//!
//! A [`Transport`] sends on a thread of its own ([`runtime`]), where nothing is traced ([`silence`]): in several attempts if
//! need be ([`retry`]), and without waiting once the service shuts down ([`closing`]). [`client`] makes what sends, and
//! [`received`] reads what comes back.

mod client;
mod closing;
mod received;
mod retry;
mod runtime;
mod silence;

use std::{sync::Arc, time::Duration};

use self::{retry::Retry, runtime::ExportRuntime};
use super::{delivery::Delivery, error::TelemetryError};

#[cfg(feature = "otlp")]
pub(super) use self::received::printable;
#[cfg(feature = "tls")]
pub(super) use self::received::root_cause;
pub(super) use self::{
    client::{HTTP_ALONE, built, client},
    closing::Closing,
    received::Received,
    retry::Failure,
};

/// Sends exports to one collector.
#[derive(Debug)]
pub(super) struct Transport {
    runtime: ExportRuntime,
    retry: Arc<Retry>,
    /// Of an export, with all its attempts.
    timeout: Duration,
    delivery: Arc<Delivery>,
}

impl Transport {
    pub(super) fn new(timeout: Duration, delivery: &Arc<Delivery>) -> Result<Self, TelemetryError> {
        Ok(Self {
            runtime: ExportRuntime::new().map_err(TelemetryError::exporter)?,
            retry: Arc::default(),
            timeout,
            delivery: Arc::clone(delivery),
        })
    }

    /// Makes an export, again where that may help, or tells why it was not delivered.
    pub(super) async fn send<T, A>(
        &self,
        attempt: impl FnMut() -> A + Send + 'static,
    ) -> Result<T, String>
    where
        T: Send + 'static,
        A: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let (retry, delivery) = (Arc::clone(&self.retry), Arc::clone(&self.delivery));
        let timeout = self.timeout;
        let sending = self
            .runtime
            .run(async move { retry.until_delivered(timeout, delivery.closing(), attempt).await });
        sending.await.unwrap_or_else(|| Err("the exporter is shut down".to_owned()))
    }
}
