//! Start of the exporter.

use super::{JaegerExporter, endpoint::JaegerEndpoint};
use crate::{
    base::error::TelemetryError,
    export::pipeline::{
        Pipeline,
        context::{EXPORT_DELAY, PipelineContext, SpanExporterOptions},
        exporter::SdkExporter,
    },
};

/// Exports to an endpoint set in code, or to that of the environment.
#[derive(Default)]
pub(crate) struct Jaeger(pub(crate) Option<JaegerEndpoint>);

impl SpanExporterOptions for Jaeger {
    fn start(self: Box<Self>, context: &PipelineContext<'_>) -> Result<Pipeline, TelemetryError> {
        let jaeger = &context.config.jaeger;
        let endpoint = match self.0 {
            Some(endpoint) => endpoint.checked("jaeger()")?,
            None => JaegerEndpoint::from_config(jaeger)?,
        };
        let state = context.state(endpoint.to_string(), "jaeger_span_exporter");
        let timeout = jaeger.timeout.min(context.config.batch.export_timeout);
        let exporter = JaegerExporter::new(&endpoint, jaeger, timeout, &state)?;
        context.pipeline(SdkExporter(exporter), state, EXPORT_DELAY)
    }

    fn reads_environment(&self) -> bool {
        true
    }
}
