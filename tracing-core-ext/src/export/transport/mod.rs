//! Common parts of all exports over HTTP.
//!
//! A [`Transport`] sends on its own thread ([`runtime`]), where nothing is traced ([`suppress`]).
//! It makes several attempts if required ([`retry`]), and does not wait once the service shuts down
//! ([`shutdown`](super::shutdown)). [`http_client`] creates the client, and [`response`] parses
//! responses.

pub(crate) mod http_client;
pub(crate) mod request_size;
pub(crate) mod response;
pub(crate) mod retry;
mod runtime;
mod suppress;

use std::{sync::Arc, time::Duration};

use self::{
    retry::{ExportError, Failure, Retry},
    runtime::ExportRuntime,
};
use super::delivery::ExportState;
use crate::base::error::TelemetryError;

/// Sends exports to one collector.
#[derive(Debug)]
pub(crate) struct Transport {
    runtime: ExportRuntime,
    retry: Arc<Retry>,
    /// Timeout of an export with all its attempts.
    timeout: Duration,
    state: Arc<ExportState>,
}

impl Transport {
    pub(crate) fn new(timeout: Duration, state: &Arc<ExportState>) -> Result<Self, TelemetryError> {
        Ok(Self {
            runtime: ExportRuntime::new().map_err(TelemetryError::exporter)?,
            retry: Arc::new(Retry::new(state.has_queue())),
            timeout,
            state: Arc::clone(state),
        })
    }

    /// Makes an export, in several attempts if required. While the backend requires a pause, an
    /// export of spans waits.
    pub(crate) async fn send<T, A>(
        &self,
        mut attempt: impl FnMut() -> A + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        A: Future<Output = Result<T, ExportError>> + Send + 'static,
    {
        let (retry, state) = (Arc::clone(&self.retry), Arc::clone(&self.state));
        let timeout = self.timeout;
        let counts = Arc::clone(state.counts());
        let attempt = move || {
            let (attempt, counts) = (attempt(), Arc::clone(&counts));
            async move {
                attempt.await.inspect_err(|error| {
                    if let ExportError::Retryable { reason, .. } = error {
                        counts.set_attempt_error(reason);
                    }
                })
            }
        };
        let sending = self
            .runtime
            .run(async move { retry.until_delivered(timeout, state.closing(), attempt).await });
        sending.await.unwrap_or_else(|| Err(Failure::new("the exporter is shut down")))
    }
}
