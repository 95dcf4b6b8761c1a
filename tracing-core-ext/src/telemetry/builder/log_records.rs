//! Exporters of log records that are set in code.

use crate::{
    base::error::TelemetryError,
    config::{log_filter::LogFilter, logs::LogsExporter},
    export::{
        by_name,
        pipeline::{
            context::PipelineContext,
            hook::LogHook,
            logs::{LogExporterOptions, LogPipeline},
        },
    },
};

/// Exporters of log records that are set in code.
#[derive(Default)]
pub(crate) struct LogRecordsSetup {
    /// Options of the OTLP exporter. It exports log records only if code or environment selects it.
    pub(crate) otlp: Option<Box<dyn LogExporterOptions>>,
    /// Exporters that code selects.
    pub(crate) selected: Vec<(LogsExporter, &'static str)>,
    /// Exporters besides those that code and environment select.
    pub(crate) additions: Vec<Box<dyn LogExporterOptions>>,
    pub(crate) filter: Option<String>,
    pub(crate) hook: Option<LogHook>,
}

impl LogRecordsSetup {
    /// Starts the pipelines of all exporters: those of code, or else those of the environment.
    pub(crate) fn start(
        &mut self,
        context: &PipelineContext<'_>,
    ) -> Result<Vec<LogPipeline>, TelemetryError> {
        let mut selected = std::mem::take(&mut self.selected);
        if selected.is_empty() {
            selected = context.config.logs.selected();
        }
        let mut exporters = Vec::new();
        for (name, setting) in selected {
            exporters.push(self.exporter(name, setting)?);
        }
        exporters.append(&mut self.additions);
        exporters.into_iter().map(|exporter| exporter.start(context)).collect()
    }

    fn exporter(
        &mut self,
        name: LogsExporter,
        setting: &'static str,
    ) -> Result<Box<dyn LogExporterOptions>, TelemetryError> {
        let in_code = self.otlp.take_if(|_| name == LogsExporter::Otlp);
        let exporter = in_code.map_or_else(|| by_name::log_exporter(name), Ok);
        exporter.map_err(|feature| TelemetryError::missing_feature(setting, name.as_str(), feature))
    }

    /// Returns the filter of exported log records: the one in code, or else that of log lines.
    pub(crate) fn choose_filter(&mut self, lines: &LogFilter) -> Result<LogFilter, TelemetryError> {
        match self.filter.take() {
            Some(directives) => LogFilter::parse("log_export_filter()", directives),
            None => Ok(lines.duplicate()),
        }
    }
}
