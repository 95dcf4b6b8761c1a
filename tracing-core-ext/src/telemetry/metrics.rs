//! Metrics of the service, and their readers.

use std::{any::Any, sync::Arc, time::Duration};

use opentelemetry::{Key, global};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkError,
    metrics::{Instrument, SdkMeterProvider, Stream},
};
use tracing::Dispatch;

use super::meter_provider::GuardedMeterProvider;
use crate::{
    base::error::TelemetryError,
    config::{
        Config,
        control::Control,
        metrics::{MetricsConfig, MetricsExport, MetricsExporter, ViewConfig},
    },
    exchange::instrumentation::installed,
    export::{
        by_name,
        delivery::{ExportLoss, ExportState, ShutdownTask, StatusSource},
        metrics::{MetricsContext, MetricsOptions, MetricsOutput},
    },
};

/// Readers that are set in code.
#[derive(Debug, Default)]
pub(crate) struct MetricsSetup {
    /// Selected readers.
    readers: Vec<Reader>,
    /// Options of the OTLP exporter for metrics. It is a reader only if code or environment selects
    /// it.
    otlp: Option<Box<dyn MetricsOptions>>,
    has_otlp: bool,
}

/// A reader that is not started yet.
#[derive(Debug)]
struct Reader {
    options: Box<dyn MetricsOptions>,
    /// Configuration of this reader alone.
    own: Option<Config>,
}

/// Meter provider of a service, and its readers.
#[derive(Debug)]
pub(crate) struct Metrics {
    provider: GuardedMeterProvider,
    outputs: Vec<Box<dyn MetricsOutput>>,
}

impl MetricsSetup {
    /// Adds a reader. It replaces an earlier one of the same name.
    pub(crate) fn push(&mut self, reader: impl MetricsOptions + 'static) {
        self.readers.retain(|other| other.options.name() != reader.name());
        self.readers.push(Reader { options: Box::new(reader), own: None });
    }

    /// Sets options of OTLP without selecting it.
    pub(crate) fn set_otlp(&mut self, otlp: impl MetricsOptions + 'static) {
        self.otlp = Some(Box::new(otlp));
    }

    /// Selects OTLP.
    pub(crate) fn select_otlp(&mut self) {
        self.has_otlp = true;
    }

    /// Starts the readers that code or environment selects. Returns `None` if there is no reader.
    pub(crate) fn start(
        mut self,
        resource: &Resource,
        config: &Config,
    ) -> Result<Option<Metrics>, TelemetryError> {
        let in_code: Vec<_> = self.readers.iter().map(|reader| reader.options.name()).collect();
        for export in &config.metrics.exporters {
            if !in_code.contains(&export.exporter.as_str()) {
                self.add(export, config)?;
            }
        }
        let is_otlp = |reader: &Reader| reader.options.name() == MetricsExporter::Otlp.as_str();
        if self.has_otlp && !self.readers.iter().any(is_otlp) {
            let (exporter, setting) = (MetricsExporter::Otlp, "otlp_metrics()");
            self.add(&MetricsExport { exporter, setting, own: None }, config)?;
        }
        Metrics::start(self.readers, resource, config)
    }

    /// Starts the readers that are useful without metrics: health, and collectors that are set in
    /// code. They read no meters.
    pub(crate) fn start_disabled(
        mut self,
        resource: &Resource,
        config: &Config,
    ) -> Result<Option<Metrics>, TelemetryError> {
        self.readers.retain(|reader| reader.options.is_useful_when_disabled());
        Metrics::start(self.readers, resource, config)
    }

    fn add(&mut self, export: &MetricsExport, config: &Config) -> Result<(), TelemetryError> {
        let MetricsExport { exporter, setting, own } = export;
        let in_code = self.otlp.take_if(|_| *exporter == MetricsExporter::Otlp && own.is_none());
        let options = in_code.map_or_else(|| by_name::metrics_exporter(*exporter), Ok);
        let options = options.map_err(|feature| {
            TelemetryError::missing_feature(setting, exporter.as_str(), feature)
        })?;
        let own = own.as_ref().map(|own| {
            let views = config.metrics.views.clone();
            Config { metrics: MetricsConfig { views, ..(**own).clone() }, ..config.clone() }
        });
        self.readers.push(Reader { options, own });
        Ok(())
    }
}

/// Returns the stream of an instrument that the view selects.
fn stream(view: &ViewConfig, instrument: &Instrument) -> Option<Stream> {
    if !view.selector.selects(instrument) {
        return None;
    }
    let mut stream = Stream::builder();
    if let Some(name) = &view.name {
        stream = stream.with_name(name.clone());
    }
    if let Some(description) = &view.description {
        stream = stream.with_description(description.clone());
    }
    if let Some(aggregation) = &view.aggregation {
        stream = stream.with_aggregation(aggregation.clone());
    }
    if let Some(limit) = view.cardinality_limit {
        stream = stream.with_cardinality_limit(limit);
    }
    if let Some(keys) = &view.attribute_keys {
        stream = stream.with_allowed_attribute_keys(keys.iter().map(|key| Key::new(key.clone())));
    }
    stream.build().ok()
}

impl Metrics {
    fn start(
        readers: Vec<Reader>,
        resource: &Resource,
        config: &Config,
    ) -> Result<Option<Self>, TelemetryError> {
        if readers.is_empty() {
            return Ok(None);
        }
        let exporters: Vec<_> = readers.iter().map(|reader| reader.options.name()).collect();
        let mut meters = SdkMeterProvider::builder().with_resource(resource.clone());
        for view in config.metrics.views.clone() {
            meters = meters.with_view(move |instrument: &Instrument| stream(&view, instrument));
        }
        let mut outputs = Vec::new();
        for Reader { options, own } in readers {
            let config = own.as_ref().unwrap_or(config);
            let context = MetricsContext { resource, config, exporters: exporters.clone() };
            let (with_reader, output) = options.attach(meters, &context)?;
            meters = with_reader;
            outputs.push(output);
        }
        let panics = outputs.iter().find_map(|output| output.callback_panics());
        let provider = GuardedMeterProvider::new(meters.build(), panics.unwrap_or_default());
        let mut metrics = Self { provider, outputs };
        metrics.outputs.iter_mut().try_for_each(|output| output.start())?;
        Ok(Some(metrics))
    }

    /// Makes the provider the default of all middlewares and clients.
    pub(crate) fn install(&self) {
        global::set_meter_provider(self.provider.clone());
        installed::set_meter_provider((*self.provider).clone());
        self.outputs.iter().for_each(|output| output.install());
    }

    /// Sets the subscriber that receives the log lines.
    pub(crate) fn log_to(&self, dispatch: &Dispatch) {
        self.outputs.iter().for_each(|output| output.log_to(dispatch));
    }

    /// Provides the settings that the readers change, and the state that they show.
    pub(crate) fn set_control(&self, control: &Control, status: &Arc<StatusSource>) {
        self.outputs.iter().for_each(|output| output.set_control(control, status));
    }

    /// Returns the states of the exporters.
    pub(crate) fn states(&self) -> impl Iterator<Item = Arc<ExportState>> {
        self.outputs.iter().filter_map(|output| output.state())
    }

    pub(crate) fn losses(&self) -> impl Iterator<Item = ExportLoss> {
        self.outputs.iter().filter_map(|output| output.loss())
    }

    pub(crate) fn provider(&self) -> &GuardedMeterProvider {
        &self.provider
    }

    /// Reports to scrapers that the service is draining.
    pub(crate) fn start_draining(&self) {
        self.outputs.iter().for_each(|output| output.start_draining());
    }

    /// Returns the tasks that export the last metrics and close listeners. From now on no export
    /// waits for another attempt.
    pub(crate) fn shutdown_tasks(&mut self, timeout: Duration) -> Vec<ShutdownTask> {
        let mut tasks: Vec<ShutdownTask> = Vec::new();
        let provider = self.provider.clone();
        self.outputs.iter().for_each(|output| output.close());
        let failures: Vec<_> = self.outputs.iter().filter_map(|output| output.failures()).collect();
        tasks.push(Box::new(move || match provider.shutdown_with_timeout(timeout) {
            Ok(()) | Err(OTelSdkError::AlreadyShutdown) => {}
            Err(error) => failures.iter().for_each(|failures| failures(&error.to_string())),
        }));
        tasks.extend(self.outputs.iter_mut().filter_map(|output| output.shutdown_task()));
        tasks
    }

    /// Returns the output of this type.
    pub(crate) fn output<T: MetricsOutput>(&self) -> Option<&T> {
        self.outputs.iter().find_map(|output| (&**output as &dyn Any).downcast_ref())
    }
}

#[cfg(all(test, feature = "prometheus"))]
mod tests;
