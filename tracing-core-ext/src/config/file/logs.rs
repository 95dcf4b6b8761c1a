//! `logger_provider`.

use super::{
    document::item::{Item, Section},
    exporter::{otlp_grpc, otlp_http},
    traces::{MAX_COUNT, SIMPLE_DELAY, batch},
};
use crate::{
    base::error::TelemetryError,
    config::{
        batch::BatchConfig,
        logs::{LogExport, LogsConfig, LogsExporter},
        traces::OwnSettings,
    },
    logs::LogLimits,
};

const EXPORTERS: &str = "otlp_http, otlp_grpc or console";

/// Reads the logger provider. Without one no log records are exported.
pub(super) fn read(
    item: Option<&Item<'_>>,
    attribute_limits: Option<&Item<'_>>,
    config: &mut LogsConfig,
) -> Result<(), TelemetryError> {
    config.listed = Some(Vec::new());
    if let Some(item) = attribute_limits {
        // Its unknown keys are reported with those of spans.
        let section = item.section()?;
        read_limits(&section, &mut config.limits)?;
    }
    let Some(item) = item else { return Ok(()) };
    let section = item.section()?;
    if let Some(limits) = section.get("limits") {
        let limits = limits.section()?;
        read_limits(&limits, &mut config.limits)?;
        limits.finish()?;
    }
    config.listed = Some(exporters(&section.require("processors")?, config)?);
    section.unsupported(["logger_configurator/development"])?;
    section.finish()
}

fn read_limits(section: &Section<'_>, limits: &mut LogLimits) -> Result<(), TelemetryError> {
    let count = |item: &Item<'_>| item.integer::<usize>(0..=MAX_COUNT);
    limits.count = section.read_or("attribute_count_limit", limits.count, count)?;
    let length = section.read("attribute_value_length_limit", count)?;
    limits.value_length = length.or(limits.value_length);
    Ok(())
}

fn exporters(list: &Item<'_>, config: &LogsConfig) -> Result<Vec<LogExport>, TelemetryError> {
    let mut exporters = Vec::new();
    for item in &list.items()? {
        exporters.extend(processor(item, config)?);
    }
    match exporters.is_empty() {
        true => Err(list.refused(&format!(
            "nothing would be exported: expected a processor whose exporter is {EXPORTERS}"
        ))),
        false => Ok(exporters),
    }
}

fn processor(item: &Item<'_>, config: &LogsConfig) -> Result<Option<LogExport>, TelemetryError> {
    let (name, options) = item.variant()?;
    let section = options.section()?;
    let batch = match name {
        "batch" => batch(&section, &config.batch)?,
        "simple" => BatchConfig { delay: Some(SIMPLE_DELAY), ..config.batch.clone() },
        "event_to_span_event_bridge/development" => {
            return options.unsupported().map(|()| None);
        }
        _ => return Err(options.refused("unknown processor: expected batch or simple")),
    };
    let exporter = exporter(&section.require("exporter")?, batch, config)?;
    section.finish()?;
    Ok(exporter)
}

fn exporter(
    item: &Item<'_>,
    batch: BatchConfig,
    config: &LogsConfig,
) -> Result<Option<LogExport>, TelemetryError> {
    let (name, options) = item.variant()?;
    let section = options.section()?;
    let (exporter, otlp) = match name {
        "otlp_http" => (LogsExporter::Otlp, otlp_http(&section, &config.otlp)?),
        "otlp_grpc" => (LogsExporter::Otlp, otlp_grpc(&section, &config.otlp)?),
        "console" => (LogsExporter::Console, config.otlp.clone()),
        "otlp_file/development" => return options.unsupported().map(|()| None),
        _ => return Err(options.refused(&format!("unknown exporter: expected {EXPORTERS}"))),
    };
    section.finish()?;
    let own = Some(OwnSettings { batch, otlp });
    Ok(Some(LogExport { exporter, setting: options.setting(), own }))
}
