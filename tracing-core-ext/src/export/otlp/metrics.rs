use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
};

use super::{client::OtlpClient, settings::Settings};
use crate::{
    base::error::TelemetryError,
    export::{cardinality_warning::CardinalityWarning, delivery::Delivery},
};

/// Sends metrics.
#[derive(Debug)]
pub(crate) struct OtlpMetricExporter {
    client: OtlpClient,
    temporality: Temporality,
    delivery: Arc<Delivery>,
    overflow: CardinalityWarning,
}

impl OtlpMetricExporter {
    pub(crate) fn new(
        settings: Settings,
        temporality: Temporality,
        delivery: Arc<Delivery>,
    ) -> Result<Self, TelemetryError> {
        let client = OtlpClient::new(settings, &delivery)?;
        Ok(Self { client, temporality, delivery, overflow: CardinalityWarning::default() })
    }
}

impl PushMetricExporter for OtlpMetricExporter {
    /// Answers Ok even for what is lost, for the SDK would log every single export.
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.delivery.log(|| self.overflow.warn_once(metrics));
        self.delivery.accept();
        match self.client.send(&ExportMetricsServiceRequest::from(metrics)).await {
            // Exports are counted, and the collector counts data points.
            Ok(answer) if answer.rejected > 0 => {
                self.delivery.failed(1, answer.rejection_message())
            }
            Ok(_) => self.delivery.delivered(1),
            Err(reason) => self.delivery.failed(1, reason),
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        self.temporality
    }
}

#[cfg(test)]
mod tests;
