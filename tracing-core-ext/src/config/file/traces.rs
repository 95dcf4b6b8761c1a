//! `tracer_provider` and `attribute_limits`.

use std::time::Duration;

use super::{
    document::item::{Item, Section},
    exporter::{otlp_grpc, otlp_http},
    sampler,
};
use crate::{
    base::error::TelemetryError,
    config::{
        Config,
        batch::{BatchConfig, MAX_ITEMS, MIN_DELAY},
        traces::{OwnSettings, SpanExport, TracesExporter, limits::LimitsConfig},
    },
};

const EXPORTERS: &str = "otlp_http, otlp_grpc or console";

/// Time between two exports of a `simple` processor, which exports each span soon after its end.
pub(super) const SIMPLE_DELAY: Duration = Duration::from_millis(100);

pub(super) const MAX_COUNT: i64 = u32::MAX as i64;

/// Reads the tracer provider. Without one nothing is exported.
pub(super) fn read(
    item: Option<&Item<'_>>,
    attribute_limits: Option<&Item<'_>>,
    config: &mut Config,
) -> Result<(), TelemetryError> {
    let mut limits = None;
    config.exporters = Some(Vec::new());
    if let Some(item) = item {
        let section = item.section()?;
        limits = section.get("limits");
        config.exporters = Some(exporters(&section.require("processors")?, config)?);
        if let Some(item) = section.get("sampler") {
            config.sampler = sampler::read(&item)?;
        }
        if let Some(item) = section.get("id_generator")
            && item.variant()?.0 != "random"
        {
            item.unsupported()?;
        }
        section.unsupported(["tracer_configurator/development"])?;
        section.finish()?;
    }
    read_limits(attribute_limits, limits.as_ref(), &mut config.limits)
}

fn exporters(list: &Item<'_>, config: &Config) -> Result<Vec<SpanExport>, TelemetryError> {
    let mut exporters = Vec::new();
    let processors = list.items()?;
    for item in &processors {
        exporters.extend(processor(item, config)?);
    }
    match exporters.is_empty() {
        true => Err(list.refused(&format!(
            "nothing would be exported: expected a processor whose exporter is {EXPORTERS}"
        ))),
        false => Ok(exporters),
    }
}

fn processor(item: &Item<'_>, config: &Config) -> Result<Option<SpanExport>, TelemetryError> {
    let (name, options) = item.variant()?;
    let section = options.section()?;
    let batch = match name {
        "batch" => batch(&section, &config.batch)?,
        "simple" => BatchConfig { delay: Some(SIMPLE_DELAY), ..config.batch.clone() },
        _ => return Err(options.refused("unknown processor: expected batch or simple")),
    };
    let exporter = exporter(&section.require("exporter")?, batch, config)?;
    section.finish()?;
    Ok(exporter)
}

fn exporter(
    item: &Item<'_>,
    batch: BatchConfig,
    config: &Config,
) -> Result<Option<SpanExport>, TelemetryError> {
    let (name, options) = item.variant()?;
    let section = options.section()?;
    let (exporter, otlp) = match name {
        "otlp_http" => (TracesExporter::Otlp, otlp_http(&section, &config.otlp)?),
        "otlp_grpc" => (TracesExporter::Otlp, otlp_grpc(&section, &config.otlp)?),
        "console" => (TracesExporter::Console, config.otlp.clone()),
        "otlp_file/development" => return options.unsupported().map(|()| None),
        _ => return Err(options.refused(&format!("unknown exporter: expected {EXPORTERS}"))),
    };
    section.finish()?;
    let own = Some(OwnSettings { batch, otlp });
    Ok(Some(SpanExport { exporter, setting: options.setting(), own }))
}

/// Reads the options of a batch processor, and leaves other keys of the section to the caller.
pub(super) fn batch(
    section: &Section<'_>,
    default: &BatchConfig,
) -> Result<BatchConfig, TelemetryError> {
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

/// Reads the limits of spans. Those of the provider take precedence over the general ones.
fn read_limits(
    general: Option<&Item<'_>>,
    of_spans: Option<&Item<'_>>,
    limits: &mut LimitsConfig,
) -> Result<(), TelemetryError> {
    let count = |item: &Item<'_>| item.integer::<u32>(0..=MAX_COUNT);
    let length = |item: &Item<'_>| item.integer::<usize>(0..=MAX_COUNT);
    let counts = &mut limits.counts;
    if let Some(item) = general {
        let section = item.section()?;
        limits.value = section.read("attribute_value_length_limit", length)?.or(limits.value);
        if let Some(any) = section.read("attribute_count_limit", count)? {
            counts.max_attributes_per_span = any;
            counts.max_attributes_per_event = any;
            counts.max_attributes_per_link = any;
        }
        section.finish()?;
    }
    if let Some(item) = of_spans {
        let section = item.section()?;
        limits.value = section.read("attribute_value_length_limit", length)?.or(limits.value);
        for (key, limit) in [
            ("attribute_count_limit", &mut counts.max_attributes_per_span),
            ("event_count_limit", &mut counts.max_events_per_span),
            ("link_count_limit", &mut counts.max_links_per_span),
            ("event_attribute_count_limit", &mut counts.max_attributes_per_event),
            ("link_attribute_count_limit", &mut counts.max_attributes_per_link),
        ] {
            *limit = section.read_or(key, *limit, count)?;
        }
        section.finish()?;
    }
    Ok(())
}
