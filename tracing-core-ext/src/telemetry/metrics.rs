#[cfg(feature = "prometheus")]
use std::net::SocketAddr;
use std::sync::Arc;

use std::time::Duration;

use opentelemetry::global;
#[cfg(feature = "otlp")]
use opentelemetry_sdk::error::OTelSdkError;
#[cfg(feature = "otlp")]
use opentelemetry_sdk::metrics::{Aggregation, Instrument, InstrumentKind, PeriodicReader, Stream};
use opentelemetry_sdk::{
    Resource,
    metrics::{MeterProviderBuilder, SdkMeterProvider},
};
use tracing::Dispatch;

use super::telemetry::{ShutdownTask, Telemetry};
#[cfg(all(feature = "otlp", feature = "prometheus"))]
use crate::config::metrics::HISTOGRAMS;
#[cfg(feature = "prometheus")]
use crate::export::prometheus::{
    Endpoint as Scraped, Prometheus, Registry, exemplars, options::ScrapeServer,
};
use crate::{
    base::error::TelemetryError, config::metrics::MetricsVariables, exchange::installed,
    export::loss::ExportLoss,
};
#[cfg(feature = "otlp")]
use crate::{
    config::{metrics::HistogramAggregation, otlp::METRICS},
    export::{
        otlp::{Otlp, metrics::OtlpMetricExporter, settings::Settings},
        state::ExportState,
    },
};

/// The specifications' defaults.
#[cfg(feature = "otlp")]
const EXPORT_INTERVAL: Duration = Duration::from_secs(60);
#[cfg(feature = "otlp")]
const EXPORT_TIMEOUT: Duration = Duration::from_secs(30);

/// What code asks for.
#[derive(Debug, Default)]
pub(crate) struct MetricsOptions {
    #[cfg(feature = "prometheus")]
    pub(crate) prometheus: Option<Prometheus>,
    #[cfg(feature = "otlp")]
    pub(crate) has_otlp: bool,
    #[cfg(feature = "otlp")]
    pub(crate) otlp: Otlp,
}

/// The meters of a service, and what reads them.
#[derive(Debug)]
pub(crate) struct Metrics {
    provider: SdkMeterProvider,
    #[cfg(feature = "otlp")]
    state: Option<Arc<ExportState>>,
    #[cfg(feature = "prometheus")]
    served: Option<ScrapeServer>,
}

impl MetricsOptions {
    /// Nothing where neither code nor environment asks for metrics. Both may ask for either.
    pub(crate) fn start(
        mut self,
        resource: &Resource,
        environment: &MetricsVariables,
    ) -> Result<Option<Metrics>, TelemetryError> {
        let exporters = self.decide(environment);
        if exporters.is_empty() {
            return Ok(None);
        }
        let builder = SdkMeterProvider::builder().with_resource(resource.clone());
        #[cfg(feature = "otlp")]
        let (builder, state) = self.push(builder, environment)?;
        #[cfg(feature = "prometheus")]
        let (builder, served) = self.serve(builder, resource, environment, exporters)?;
        let provider = builder.build();
        Ok(Some(Metrics {
            provider,
            #[cfg(feature = "otlp")]
            state,
            #[cfg(feature = "prometheus")]
            served: served.map(ScrapeServer::listen).transpose()?,
        }))
    }

    /// What code asks to be served is served, health and collectors as well, and nothing is measured.
    pub(crate) fn start_disabled(
        self,
        resource: &Resource,
        environment: &MetricsVariables,
    ) -> Result<Option<Metrics>, TelemetryError> {
        #[cfg(feature = "prometheus")]
        if let Some(options) = self.prometheus {
            let (served, _) = options.build(resource, &environment.listener, vec!["prometheus"])?;
            return Ok(Some(Metrics {
                provider: SdkMeterProvider::builder().build(),
                #[cfg(feature = "otlp")]
                state: None,
                served: Some(served.listen()?),
            }));
        }
        let _ = (resource, environment);
        Ok(None)
    }

    /// Adds what the environment asks for, and names all there is.
    fn decide(&mut self, environment: &MetricsVariables) -> Vec<&'static str> {
        let mut exporters = Vec::new();
        #[cfg(feature = "prometheus")]
        {
            let prometheus = self.prometheus.take();
            self.prometheus =
                prometheus.or_else(|| environment.has_prometheus.then(Prometheus::new));
            exporters.extend(self.prometheus.as_ref().map(|_| "prometheus"));
        }
        #[cfg(feature = "otlp")]
        {
            self.has_otlp |= environment.has_otlp;
            exporters.extend(self.has_otlp.then_some("otlp"));
        }
        exporters
    }

    #[cfg(feature = "prometheus")]
    fn serve(
        self,
        builder: MeterProviderBuilder,
        resource: &Resource,
        environment: &MetricsVariables,
        exporters: Vec<&'static str>,
    ) -> Result<(MeterProviderBuilder, Option<ScrapeServer>), TelemetryError> {
        let Some(options) = self.prometheus else {
            return Ok((builder, None));
        };
        let (served, reader) = options.build(resource, &environment.listener, exporters)?;
        Ok((reader.read(builder), Some(served)))
    }

    #[cfg(feature = "otlp")]
    fn push(
        &self,
        builder: MeterProviderBuilder,
        environment: &MetricsVariables,
    ) -> Result<(MeterProviderBuilder, Option<Arc<ExportState>>), TelemetryError> {
        if !self.has_otlp {
            return Ok((builder, None));
        }
        let mut settings = Settings::resolve(&self.otlp, &environment.otlp, &METRICS)?;
        settings.timeout = settings.timeout.min(environment.timeout.unwrap_or(EXPORT_TIMEOUT));
        let temporality = environment.temporality.unwrap_or_default();
        let state = ExportState::for_metrics(settings.endpoint.to_string(), temporality);
        let state = Arc::new(state);
        let exporter = OtlpMetricExporter::new(settings, temporality, Arc::clone(&state))?;
        let reader = PeriodicReader::builder(exporter)
            .with_interval(environment.interval.unwrap_or(EXPORT_INTERVAL))
            .build();
        let builder = self.with_histograms(builder, environment.histograms)?;
        Ok((builder.with_reader(reader), Some(state)))
    }

    /// By a view, which holds for whatever reads the meters.
    #[cfg(feature = "otlp")]
    fn with_histograms(
        &self,
        builder: MeterProviderBuilder,
        histograms: HistogramAggregation,
    ) -> Result<MeterProviderBuilder, TelemetryError> {
        if histograms == HistogramAggregation::Explicit {
            return Ok(builder);
        }
        #[cfg(feature = "prometheus")]
        if self.prometheus.is_some() {
            let expected = "explicit_bucket_histogram, the only one Prometheus can scrape as well";
            let value = "base2_exponential_bucket_histogram";
            return Err(TelemetryError::setting(HISTOGRAMS, value, expected));
        }
        Ok(builder.with_view(exponential))
    }
}

/// Of the size and scale that are the specification's defaults: metrics SDK specification, "Base2 Exponential Bucket
/// Histogram Aggregation".
#[cfg(feature = "otlp")]
fn exponential(instrument: &Instrument) -> Option<Stream> {
    let aggregation = Aggregation::Base2ExponentialHistogram {
        max_size: 160,
        max_scale: 20,
        record_min_max: true,
    };
    let is_histogram = instrument.kind() == InstrumentKind::Histogram;
    is_histogram.then(|| Stream::builder().with_aggregation(aggregation).build().ok()).flatten()
}

impl Metrics {
    /// Where changes of state are logged.
    pub(crate) fn log_to(&self, dispatch: &Dispatch) {
        #[cfg(feature = "otlp")]
        if let Some(state) = &self.state {
            state.log_to(dispatch);
        }
        #[cfg(not(feature = "otlp"))]
        let _ = dispatch;
    }

    /// What was not delivered in the end.
    pub(crate) fn loss(&self) -> Option<ExportLoss> {
        #[cfg(feature = "otlp")]
        return self.state.as_ref()?.loss();
        #[cfg(not(feature = "otlp"))]
        None
    }

    pub(crate) fn provider(&self) -> &SdkMeterProvider {
        &self.provider
    }

    /// Whoever asks is told that the service drains.
    pub(crate) fn drain(&self) {
        #[cfg(feature = "prometheus")]
        self.served.iter().for_each(ScrapeServer::start_draining);
    }

    /// What exports the last metrics and closes the listener. From now on no export waits for another attempt.
    pub(crate) fn shutdown_tasks(&mut self, timeout: Duration) -> Vec<ShutdownTask> {
        let meters = self.meter_shutdown_task(timeout);
        #[cfg(feature = "prometheus")]
        if let Some(listener) = self.served.as_mut().and_then(ScrapeServer::shutdown_task) {
            return vec![meters, Box::new(listener)];
        }
        vec![meters]
    }

    #[cfg(feature = "otlp")]
    fn meter_shutdown_task(&self, timeout: Duration) -> ShutdownTask {
        let (meters, state) = (self.provider.clone(), self.state.clone());
        if let Some(state) = &state {
            state.closing().trigger();
        }
        Box::new(move || match (meters.shutdown_with_timeout(timeout), state) {
            (Ok(()) | Err(OTelSdkError::AlreadyShutdown), _) | (_, None) => {}
            (Err(error), Some(state)) => state.counts().fail_one(error.to_string()),
        })
    }

    #[cfg(not(feature = "otlp"))]
    fn meter_shutdown_task(&self, timeout: Duration) -> ShutdownTask {
        let meters = self.provider.clone();
        Box::new(move || drop(meters.shutdown_with_timeout(timeout)))
    }
}

impl Telemetry {
    /// The provider that makes the meters, to be passed on where the global one is not used. There is one where
    /// code or `OTEL_METRICS_EXPORTER` asks for metrics.
    pub fn meter_provider(&self) -> Option<&SdkMeterProvider> {
        self.metrics.as_ref().map(Metrics::provider)
    }

    pub(crate) fn install_metrics(&self) {
        let Some(metrics) = &self.metrics else { return };
        global::set_meter_provider(metrics.provider.clone());
        installed::set_meter_provider(metrics.provider.clone());
        #[cfg(feature = "prometheus")]
        if let Some(served) = &metrics.served {
            exemplars::set_global_exemplars(Arc::clone(&served.exemplars));
        }
    }
}

#[cfg(feature = "prometheus")]
impl Telemetry {
    /// What answers scrapes, to be mounted among the routes of the service.
    pub fn metrics_endpoint(&self) -> Option<&Scraped> {
        self.served().map(|served| &served.endpoint)
    }

    /// Where metrics are served by a listener of their own.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.served().and_then(ScrapeServer::address)
    }

    /// What is scraped, to add collectors of the `prometheus` crate to.
    pub fn registry(&self) -> Option<&Registry> {
        self.served().map(|served| &served.registry)
    }

    fn served(&self) -> Option<&ScrapeServer> {
        self.metrics.as_ref()?.served.as_ref()
    }
}

#[cfg(all(test, feature = "prometheus"))]
mod tests;
