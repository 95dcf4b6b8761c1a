//! Periodic export of metrics.

use std::sync::Arc;

use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, MeterProviderBuilder, PeriodicReader, Stream,
};
use tracing::Dispatch;

use super::{super::settings::Settings, exporter::OtlpMetricExporter};
use crate::{
    base::error::TelemetryError,
    config::metrics::{HISTOGRAMS, HistogramAggregation, MetricsExporter},
    export::{
        delivery::{ExportLoss, ExportState},
        metrics::{FailureFn, MetricsContext, MetricsOutput},
    },
};

/// The reader that exports metrics over OTLP.
#[derive(Debug)]
pub(crate) struct OtlpMetrics {
    state: Arc<ExportState>,
}

impl OtlpMetrics {
    pub(crate) fn attach(
        settings: Settings,
        meters: MeterProviderBuilder,
        context: &MetricsContext<'_>,
    ) -> Result<(MeterProviderBuilder, Self), TelemetryError> {
        let config = &context.config.metrics;
        let endpoint = settings.endpoint.to_string();
        let state = Arc::new(ExportState::for_metrics(endpoint, config.temporality));
        let exporter = OtlpMetricExporter::new(settings, config.temporality, Arc::clone(&state))?;
        let reader = PeriodicReader::builder(exporter).with_interval(config.interval).build();
        let meters = with_histograms(meters, context)?.with_reader(reader);
        Ok((meters, Self { state }))
    }
}

/// Sets the aggregation of histograms with a view, which applies to every reader.
fn with_histograms(
    meters: MeterProviderBuilder,
    context: &MetricsContext<'_>,
) -> Result<MeterProviderBuilder, TelemetryError> {
    if context.config.metrics.histograms == HistogramAggregation::Explicit {
        return Ok(meters);
    }
    if context.exporters.contains(&MetricsExporter::Prometheus.as_str()) {
        let expected = "explicit_bucket_histogram, the only one Prometheus can scrape as well";
        let value = "base2_exponential_bucket_histogram";
        return Err(TelemetryError::setting(HISTOGRAMS, value, expected));
    }
    // A second view of an instrument would be a second stream.
    let views = context.config.metrics.views.clone();
    Ok(meters.with_view(move |instrument: &Instrument| {
        let is_selected = views.iter().any(|view| view.selector.selects(instrument));
        (!is_selected).then(|| exponential(instrument)).flatten()
    }))
}

/// Size and scale are the defaults of the metrics SDK specification, "Base2 Exponential Bucket Histogram Aggregation".
fn exponential(instrument: &Instrument) -> Option<Stream> {
    let aggregation = Aggregation::Base2ExponentialHistogram {
        max_size: 160,
        max_scale: 20,
        record_min_max: true,
    };
    let is_histogram = instrument.kind() == InstrumentKind::Histogram;
    is_histogram.then(|| Stream::builder().with_aggregation(aggregation).build().ok()).flatten()
}

impl MetricsOutput for OtlpMetrics {
    fn state(&self) -> Option<Arc<ExportState>> {
        Some(Arc::clone(&self.state))
    }

    fn log_to(&self, dispatch: &Dispatch) {
        self.state.log_to(dispatch);
    }

    fn close(&self) {
        self.state.closing().trigger();
    }

    fn failures(&self) -> Option<FailureFn> {
        let state = Arc::clone(&self.state);
        Some(Box::new(move |reason| state.counts().fail_one(reason)))
    }

    fn loss(&self) -> Option<ExportLoss> {
        self.state.loss()
    }
}
