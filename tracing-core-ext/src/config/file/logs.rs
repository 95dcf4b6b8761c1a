//! `logger_provider`.

use super::{
    document::item::{Item, Section},
    processors::Processors,
    traces::MAX_COUNT,
};
use crate::{
    base::error::TelemetryError,
    config::logs::{LogsConfig, LogsExporter},
    logs::LogLimits,
};

/// Reads the logger provider. Without one no log records are exported.
pub(super) fn read(
    item: Option<&Item<'_>>,
    attribute_limits: Option<&Item<'_>>,
    config: &mut LogsConfig,
) -> Result<(), TelemetryError> {
    config.exporters = Some(Vec::new());
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
    let processors = Processors {
        otlp: LogsExporter::Otlp,
        console: LogsExporter::Console,
        unsupported: &["event_to_span_event_bridge/development"],
        default_batch: &config.batch,
        default_otlp: &config.otlp,
    };
    config.exporters = Some(processors.read(&section.require("processors")?)?);
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
