//! Exporters of log records that are set in code.

use crate::{
    base::error::TelemetryError,
    config::{
        Config,
        batch::BatchConfig,
        env::exporters::{OwnSettings, SelectedExporter},
        log_filter::LogFilter,
        logs::{LogsConfig, LogsExporter},
    },
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
    pub(crate) selected: Vec<SelectedExporter<LogsExporter>>,
    /// Exporters besides those that code and environment select.
    pub(crate) additions: Vec<Box<dyn LogExporterOptions>>,
    pub(crate) filter: Option<String>,
    pub(crate) hook: Option<LogHook>,
}

impl LogRecordsSetup {
    /// Starts the pipelines of all exporters: those of code, or else those of the environment or of
    /// the file.
    pub(crate) fn start(
        &mut self,
        context: &PipelineContext<'_>,
    ) -> Result<Vec<LogPipeline>, TelemetryError> {
        let mut selected = std::mem::take(&mut self.selected);
        if selected.is_empty() {
            selected = context.config.logs.selected();
        }
        let mut pipelines = Vec::new();
        for export in selected {
            let exporter = self.exporter(export.exporter, export.setting)?;
            pipelines.push(start(exporter, export.own, context)?);
        }
        for exporter in std::mem::take(&mut self.additions) {
            pipelines.push(exporter.start(context)?);
        }
        Ok(pipelines)
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

/// Starts an exporter with its own settings, if it has any.
fn start(
    exporter: Box<dyn LogExporterOptions>,
    own: Option<OwnSettings>,
    context: &PipelineContext<'_>,
) -> Result<LogPipeline, TelemetryError> {
    let Some(OwnSettings { batch, otlp }) = own else { return exporter.start(context) };
    let common = &context.config.logs;
    // The memory of a queue is no setting of an exporter.
    let batch = BatchConfig { max_bytes: common.batch.max_bytes, ..batch };
    let logs = LogsConfig { batch, otlp, ..common.clone() };
    let config = Config { logs, ..context.config.clone() };
    exporter.start(&PipelineContext { config: &config, ..*context })
}
