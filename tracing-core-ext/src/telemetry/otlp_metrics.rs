use std::{sync::Arc, time::Duration};

use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
};

use super::{
    config::Otlp,
    delivery::Delivery,
    endpoint::Endpoint,
    error::TelemetryError,
    otlp::{Client, LastError, on_plain_thread},
    overflow::Overflow,
};

/// Sends metrics over HTTP as protobuf.
#[derive(Debug)]
pub(super) struct OtlpMetrics {
    inner: opentelemetry_otlp::MetricExporter,
    last_error: LastError,
    delivery: Arc<Delivery>,
    overflow: Overflow,
}

impl OtlpMetrics {
    pub(super) fn new(
        endpoint: &Endpoint,
        otlp: &Otlp,
        delivery: Arc<Delivery>,
    ) -> Result<Self, TelemetryError> {
        on_plain_thread(|| {
            let client = Client::new(endpoint, otlp, &delivery)?;
            let last_error = client.last_error.clone();
            let inner = opentelemetry_otlp::MetricExporter::builder()
                .with_http()
                .with_http_client(client)
                .with_protocol(Protocol::HttpBinary)
                .with_endpoint(endpoint.url())
                .with_timeout(otlp.timeout)
                .build()
                .map_err(TelemetryError::exporter)?;
            Ok(Self { inner, last_error, delivery, overflow: Overflow::default() })
        })
    }
}

impl PushMetricExporter for OtlpMetrics {
    /// Answers Ok even for what is lost, for the SDK would log every single export.
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.delivery.log(|| self.overflow.tell(metrics));
        self.delivery.accept();
        self.last_error.take();
        match self.inner.export(metrics).await {
            Ok(()) => self.delivery.delivered(1),
            Err(error) => {
                let reason = self.last_error.take().unwrap_or_else(|| error.to_string());
                self.delivery.failed(1, reason);
            }
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}

#[cfg(test)]
mod tests;
