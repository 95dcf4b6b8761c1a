//! Export to Jaeger. `opentelemetry-jaeger` encodes spans as Thrift; the transport is part of this
//! crate.

mod agent;
pub(crate) mod collector;
mod convert;
mod encoder;
mod endpoint;
mod losses;
mod options;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};

pub use self::endpoint::JaegerEndpoint;
pub(crate) use self::options::Jaeger;
use self::{agent::Agent, collector::Collector, encoder::Encoder, losses::BatchLoss};
use super::delivery::ExportState;
use crate::{base::error::TelemetryError, config::jaeger::JaegerConfig};

/// Sends spans to an agent or to a collector.
#[derive(Debug)]
pub(crate) struct JaegerExporter {
    encoder: Encoder,
    receiver: JaegerTransport,
    state: Arc<ExportState>,
}

#[derive(Debug)]
enum JaegerTransport {
    Agent(Agent),
    Collector(Collector),
}

impl JaegerExporter {
    /// Creates an exporter to an endpoint that has been checked. The timeout is that of an export
    /// with all its attempts. The resource, with the name of the service, is set later.
    pub(crate) fn new(
        endpoint: &JaegerEndpoint,
        jaeger: &JaegerConfig,
        timeout: Duration,
        state: &Arc<ExportState>,
    ) -> Result<Self, TelemetryError> {
        let encoder = Encoder::new(&Resource::builder_empty().build())?;
        let receiver = JaegerTransport::new(endpoint, jaeger, timeout, state)?;
        Ok(Self { encoder, receiver, state: Arc::clone(state) })
    }
}

impl JaegerTransport {
    fn new(
        endpoint: &JaegerEndpoint,
        jaeger: &JaegerConfig,
        timeout: Duration,
        state: &Arc<ExportState>,
    ) -> Result<Self, TelemetryError> {
        match endpoint {
            JaegerEndpoint::AgentUdp(address) => {
                Agent::new(*address).map(Self::Agent).map_err(TelemetryError::exporter)
            }
            JaegerEndpoint::CollectorHttp(url) => {
                Collector::new(url, jaeger, timeout, state).map(Self::Collector)
            }
        }
    }

    async fn send(&self, batch: &[SpanData], encoder: &Encoder) -> Result<BatchLoss, String> {
        match self {
            Self::Agent(agent) => agent.send(batch, encoder),
            Self::Collector(collector) => Ok(collector.send(batch, encoder).await),
        }
    }

    /// Returns the losses since the last batch.
    fn close(&self) -> BatchLoss {
        match self {
            Self::Agent(agent) => agent.close(),
            Self::Collector(_) => BatchLoss::default(),
        }
    }
}

impl SpanExporter for JaegerExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let losses = self.receiver.send(&batch, &self.encoder).await;
        let losses = losses.map_err(OTelSdkError::InternalFailure)?;
        losses.report(batch.len(), self.state.counts()).map_err(OTelSdkError::InternalFailure)
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        let losses = self.receiver.close();
        losses.report(0, self.state.counts()).map_err(OTelSdkError::InternalFailure)
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Cannot fail here: the same errors would have occurred in `new`.
        if let Ok(encoder) = Encoder::new(resource) {
            self.encoder = encoder;
        }
    }
}
