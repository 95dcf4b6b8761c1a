use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
};

use super::{
    super::{client::OtlpClient, settings::Settings},
    cardinality_warning::CardinalityWarning,
};
use crate::{
    base::{contain_log_writer, error::TelemetryError},
    export::{
        delivery::{ExportState, Outcome},
        transport::retry::Failure,
    },
};

/// Sends metrics.
#[derive(Debug)]
pub(crate) struct OtlpMetricExporter {
    client: OtlpClient,
    temporality: Temporality,
    state: Arc<ExportState>,
    overflow: CardinalityWarning,
}

impl OtlpMetricExporter {
    pub(crate) fn new(
        settings: Settings,
        temporality: Temporality,
        state: Arc<ExportState>,
    ) -> Result<Self, TelemetryError> {
        let client = OtlpClient::new(settings, &state)?;
        Ok(Self { client, temporality, state, overflow: CardinalityWarning::default() })
    }
}

impl OtlpMetricExporter {
    async fn send(&self, metrics: &ResourceMetrics) -> Result<Outcome, Failure> {
        let message = self.client.encode(&ExportMetricsServiceRequest::from(metrics))?;
        let response = self.client.send(message).await?;
        Ok(match response.rejected {
            0 => Outcome::delivered(),
            // Exports are counted here, and data points by the collector.
            _ => Outcome::failed(response.rejection_message()),
        })
    }
}

impl PushMetricExporter for OtlpMetricExporter {
    /// Answers Ok even for what is lost, for the SDK would log every single export.
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        // A log writer may panic, which would end the thread of the SDK.
        contain_log_writer(|| self.state.log(|| self.overflow.warn_once(metrics)));
        let export = self.state.begin();
        let outcome = self.send(metrics).await.unwrap_or_else(|it| Outcome::failed(it.reason));
        self.state.end(export, outcome);
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
