//! Processors of spans and of log records, and their exporters.

use std::time::Duration;

use super::{
    document::item::{Item, Section},
    exporter::{otlp_grpc, otlp_http},
};
use crate::{
    base::error::TelemetryError,
    config::{
        batch::{BatchConfig, MAX_ITEMS, MIN_DELAY},
        env::exporters::{OwnSettings, SelectedExporter},
        otlp::OtlpConfig,
    },
};

const EXPORTERS: &str = "otlp_http, otlp_grpc or console";

/// Time between two exports of a `simple` processor, which exports each item soon after its end.
const SIMPLE_DELAY: Duration = Duration::from_millis(100);

/// Processors of one signal.
pub(super) struct Processors<'a, E> {
    pub(super) otlp: E,
    pub(super) console: E,
    /// Processors that are known and not supported.
    pub(super) unsupported: &'static [&'static str],
    /// Values of options that a processor does not set.
    pub(super) default_batch: &'a BatchConfig,
    pub(super) default_otlp: &'a OtlpConfig,
}

impl<E: Copy> Processors<'_, E> {
    /// Reads the list of processors.
    ///
    /// # Errors
    ///
    /// If a processor is invalid, or if nothing would be exported.
    pub(super) fn read(&self, list: &Item<'_>) -> Result<Vec<SelectedExporter<E>>, TelemetryError> {
        let mut exporters = Vec::new();
        for item in &list.items()? {
            exporters.extend(self.processor(item)?);
        }
        match exporters.is_empty() {
            true => Err(list.refused(&format!(
                "nothing would be exported: expected a processor whose exporter is {EXPORTERS}"
            ))),
            false => Ok(exporters),
        }
    }

    fn processor(&self, item: &Item<'_>) -> Result<Option<SelectedExporter<E>>, TelemetryError> {
        let (name, options) = item.variant()?;
        let section = options.section()?;
        let batch = match name {
            "batch" => batch(&section, self.default_batch)?,
            "simple" => BatchConfig { delay: Some(SIMPLE_DELAY), ..self.default_batch.clone() },
            name if self.unsupported.contains(&name) => {
                return options.unsupported().map(|()| None);
            }
            _ => return Err(options.refused("unknown processor: expected batch or simple")),
        };
        let exporter = self.exporter(&section.require("exporter")?, batch)?;
        section.finish()?;
        Ok(exporter)
    }

    fn exporter(
        &self,
        item: &Item<'_>,
        batch: BatchConfig,
    ) -> Result<Option<SelectedExporter<E>>, TelemetryError> {
        let (name, options) = item.variant()?;
        let section = options.section()?;
        let (exporter, otlp) = match name {
            "otlp_http" => (self.otlp, otlp_http(&section, self.default_otlp)?),
            "otlp_grpc" => (self.otlp, otlp_grpc(&section, self.default_otlp)?),
            "console" => (self.console, self.default_otlp.clone()),
            "otlp_file/development" => return options.unsupported().map(|()| None),
            _ => return Err(options.refused(&format!("unknown exporter: expected {EXPORTERS}"))),
        };
        section.finish()?;
        let own = Some(OwnSettings { batch, otlp });
        Ok(Some(SelectedExporter { exporter, setting: options.setting(), own }))
    }
}

/// Reads the options of a batch processor, and leaves other keys of the section to the caller.
fn batch(section: &Section<'_>, default: &BatchConfig) -> Result<BatchConfig, TelemetryError> {
    let most = i64::try_from(MAX_ITEMS).unwrap_or(i64::MAX);
    let count = |item: &Item<'_>| item.integer::<usize>(1..=most);
    let queue = section.read_or("max_queue_size", default.queue, count)?;
    let size = section.get("max_export_batch_size");
    let size = match size {
        None => default.size.min(queue),
        Some(item) => match count(&item)? {
            size if size > queue => {
                return Err(item.expected(format!("at most max_queue_size, which is {queue}")));
            }
            size => size,
        },
    };
    let delay = section.read("schedule_delay", Item::milliseconds)?;
    Ok(BatchConfig {
        queue,
        size,
        delay: delay.map(|delay| delay.max(MIN_DELAY)),
        export_timeout: section.read_or("export_timeout", default.export_timeout, Item::timeout)?,
        ..default.clone()
    })
}
