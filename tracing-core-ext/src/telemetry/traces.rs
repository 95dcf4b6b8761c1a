//! Exporters of spans: those of code, or else those of the environment.

use super::builder::TelemetryBuilder;
use crate::{
    base::error::TelemetryError,
    config::{Config, traces::TracesExporter},
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
        let mut exporters = std::mem::take(&mut self.exporters);
        if exporters.is_empty() {
            exporters = from_config(context.config)?;
        }
        exporters.append(&mut self.additions.exporters);
        exporters.into_iter().map(|exporter| exporter.start(context)).collect()
    }
}

/// Returns the exporters that the environment lists, or else those it has an endpoint for, or else the console.
fn from_config(config: &Config) -> Result<Vec<Box<dyn SpanExporterOptions>>, TelemetryError> {
    if let Some(names) = &config.exporters {
        return names.iter().map(|name| exporter(*name, EXPORTER, name.as_str())).collect();
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
    Ok(exporters)
}

fn exporter(
    name: TracesExporter,
    setting: &'static str,
    value: &str,
) -> Result<Box<dyn SpanExporterOptions>, TelemetryError> {
    by_name::span_exporter(name)
        .map_err(|feature| TelemetryError::missing_feature(setting, value, feature))
}
