use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::{Resource, trace::SpanExporter};

use super::{
    Pipeline, PipelineOptions,
    exporter::{BatchExporter, SdkExporter},
    hook::{LogHook, SpanHook},
};
use crate::{base::error::TelemetryError, config::Config, export::delivery::ExportState};

/// Time between two exports to a backend.
pub(crate) const EXPORT_DELAY: Duration = Duration::from_secs(5);

/// Settings that all pipelines of a service share.
#[derive(Clone, Copy)]
pub(crate) struct PipelineContext<'a> {
    pub(crate) service_name: &'a str,
    pub(crate) resource: &'a Resource,
    pub(crate) config: &'a Config,
    pub(crate) hook: Option<&'a SpanHook>,
    pub(crate) log_hook: Option<&'a LogHook>,
    pub(crate) shutdown_timeout: Duration,
}

/// Options of a span exporter.
pub(crate) trait SpanExporterOptions: Send {
    /// Builds the exporter and starts its pipeline.
    fn start(self: Box<Self>, context: &PipelineContext<'_>) -> Result<Pipeline, TelemetryError>;

    /// Whether the environment sets the options that code leaves open.
    fn reads_environment(&self) -> bool {
        false
    }
}

impl PipelineContext<'_> {
    /// Creates the state of an exporter whose type has a name in the semantic conventions.
    pub(crate) fn state(
        &self,
        destination: String,
        exporter_type: &'static str,
    ) -> Arc<ExportState> {
        Arc::new(ExportState::for_spans(destination, exporter_type, &self.config.batch))
    }

    pub(crate) fn pipeline(
        &self,
        exporter: impl BatchExporter,
        state: Arc<ExportState>,
        default_delay: Duration,
    ) -> Result<Pipeline, TelemetryError> {
        let options = PipelineOptions {
            batch: &self.config.batch,
            resource: self.resource,
            hook: self.hook,
            shutdown_timeout: self.shutdown_timeout,
        };
        Pipeline::start(exporter, state, default_delay, options)
    }
}

/// Starts the pipeline of an exporter that the user has built.
impl<E: SpanExporter + 'static> SpanExporterOptions for SdkExporter<E> {
    fn start(self: Box<Self>, context: &PipelineContext<'_>) -> Result<Pipeline, TelemetryError> {
        let state = context.state("exporter()".to_owned(), "span_exporter");
        context.pipeline(*self, state, EXPORT_DELAY)
    }
}
