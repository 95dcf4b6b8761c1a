//! Export over OTLP: over gRPC, and over HTTP as protobuf or JSON.
//!
//! [`options`] is what code asks for, [`settings`] what comes of it and the environment, [`endpoint`] and [`tls`] among it. A
//! [`client`] writes the message ([`encode`], [`proto_json`]) and has it sent; what comes back is parsed by [`response`] or [`grpc`].

mod client;
mod encode;
mod endpoint;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "otlp")]
pub(crate) mod metrics;
mod options;
mod proto_json;
mod protobuf;
mod response;
pub(crate) mod settings;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(feature = "tls")]
mod tls;
#[allow(dead_code, reason = "the export pipeline uses it")]
pub(crate) mod trace_encoder;

use std::sync::Arc;

use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};

use super::delivery::Delivery;
use crate::base::error::TelemetryError;

pub use self::options::Otlp;
use self::{client::OtlpClient, settings::Settings};

/// Sends spans.
#[derive(Debug)]
pub(crate) struct OtlpSpanExporter {
    client: OtlpClient,
    delivery: Arc<Delivery>,
    resource: ResourceAttributesWithSchema,
}

impl OtlpSpanExporter {
    pub(crate) fn new(
        settings: Settings,
        delivery: &Arc<Delivery>,
    ) -> Result<Self, TelemetryError> {
        Ok(Self {
            client: OtlpClient::new(settings, delivery)?,
            delivery: Arc::clone(delivery),
            resource: ResourceAttributesWithSchema::default(),
        })
    }
}

impl SpanExporter for OtlpSpanExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let request = ExportTraceServiceRequest { resource_spans };
        let answer = self.client.send(&request).await.map_err(OTelSdkError::InternalFailure)?;
        if answer.rejected > 0 {
            self.delivery.reject(answer.rejected, answer.rejection_message());
        }
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}
