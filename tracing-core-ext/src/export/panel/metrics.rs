//! Metrics for the panel.

use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        MeterProviderBuilder, PeriodicReader, Temporality, data::ResourceMetrics,
        exporter::PushMetricExporter,
    },
};

use super::{EmbeddedPanel, feed::Feed};
use crate::{
    base::error::TelemetryError,
    export::metrics::{MetricsContext, MetricsOptions, MetricsOutput},
};

/// Interval between two points of a chart.
const INTERVAL: Duration = Duration::from_secs(5);

/// Stores metrics in the panel.
#[derive(Debug)]
struct PanelMetricExporter(Arc<Feed>);

/// Metrics output of the panel. The panel counts the points that it refuses.
#[derive(Debug)]
struct PanelMetrics;

impl MetricsOptions for EmbeddedPanel {
    fn name(&self) -> &'static str {
        "panel"
    }

    fn attach(
        self: Box<Self>,
        meters: MeterProviderBuilder,
        _: &MetricsContext<'_>,
    ) -> Result<(MeterProviderBuilder, Box<dyn MetricsOutput>), TelemetryError> {
        let exporter = PanelMetricExporter(self.feed);
        let reader = PeriodicReader::builder(exporter).with_interval(INTERVAL).build();
        Ok((meters.with_reader(reader), Box::new(PanelMetrics)))
    }
}

impl MetricsOutput for PanelMetrics {}

impl PushMetricExporter for PanelMetricExporter {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let request = ExportMetricsServiceRequest::from(metrics);
        self.0.panel().intake().add_metrics(request);
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}
