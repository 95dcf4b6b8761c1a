//! Exporters of spans: those of code, or else those of the environment or of the file.

use super::builder::TelemetryBuilder;
use crate::{
    base::error::TelemetryError,
    config::{
        Config,
        batch::BatchConfig,
        env::exporters::{OwnSettings, SelectedExporter},
        traces::TracesExporter,
    },
    export::{
        by_name,
        pipeline::{
            Pipeline,
            context::{PipelineContext, SpanExporterOptions},
        },
    },
};

const EXPORTER: &str = "OTEL_TRACES_EXPORTER";

impl TelemetryBuilder {
    /// Starts the pipelines of all exporters.
    pub(crate) fn start_pipelines(
        &mut self,
        context: &PipelineContext<'_>,
    ) -> Result<Vec<Pipeline>, TelemetryError> {
        let in_code = std::mem::take(&mut self.exporters);
        let mut pipelines = match in_code.is_empty() {
            true => from_config(context)?,
            false => start(in_code, context)?,
        };
        pipelines.extend(start(std::mem::take(&mut self.additions.exporters), context)?);
        Ok(pipelines)
    }
}

fn start(
    exporters: Vec<Box<dyn SpanExporterOptions>>,
    context: &PipelineContext<'_>,
) -> Result<Vec<Pipeline>, TelemetryError> {
    exporters.into_iter().map(|exporter| exporter.start(context)).collect()
}

/// Starts the exporters that environment or file list, or else those the environment has an endpoint
/// for, or else the console.
fn from_config(context: &PipelineContext<'_>) -> Result<Vec<Pipeline>, TelemetryError> {
    let config = context.config;
    if let Some(exports) = &config.exporters {
        return exports.iter().map(|export| start_listed(export, context)).collect();
    }
    let mut exporters = Vec::new();
    if let Some((setting, url)) = &config.otlp.endpoint {
        exporters.push(exporter(TracesExporter::Otlp, setting, &url.to_string())?);
    }
    if let Some((setting, value)) = config.jaeger.named() {
        exporters.push(exporter(TracesExporter::Jaeger, setting, &value)?);
    }
    if exporters.is_empty() {
        exporters.push(exporter(TracesExporter::Console, EXPORTER, "console")?);
    }
    start(exporters, context)
}

/// Starts an exporter with its own settings, if it has any.
fn start_listed(
    export: &SelectedExporter<TracesExporter>,
    context: &PipelineContext<'_>,
) -> Result<Pipeline, TelemetryError> {
    let exporter = exporter(export.exporter, export.setting, export.exporter.as_str())?;
    let Some(OwnSettings { batch, otlp }) = export.own.clone() else {
        return exporter.start(context);
    };
    // The memory of a queue is no setting of an exporter.
    let batch = BatchConfig { max_bytes: context.config.batch.max_bytes, ..batch };
    let config = Config { batch, otlp, ..context.config.clone() };
    exporter.start(&PipelineContext { config: &config, ..*context })
}

fn exporter(
    name: TracesExporter,
    setting: &'static str,
    value: &str,
) -> Result<Box<dyn SpanExporterOptions>, TelemetryError> {
    by_name::span_exporter(name)
        .map_err(|feature| TelemetryError::missing_feature(setting, value, feature))
}
