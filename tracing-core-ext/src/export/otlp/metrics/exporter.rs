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

/// Exports metrics.
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
            // The unit is an export. The number of rejected data points is in the message of the
            // collector.
            _ => Outcome::failed(response.rejection_message()),
        })
    }
}

impl PushMetricExporter for OtlpMetricExporter {
    /// Returns Ok also for a failed export, because the SDK would log every failure.
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
