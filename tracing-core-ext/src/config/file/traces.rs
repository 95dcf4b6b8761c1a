//! `tracer_provider` and `attribute_limits`.

use super::{document::item::Item, processors::Processors, sampler};
use crate::{
    base::error::TelemetryError,
    config::{
        Config,
        traces::{TracesExporter, limits::LimitsConfig},
    },
};

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
        let processors = Processors {
            otlp: TracesExporter::Otlp,
            console: TracesExporter::Console,
            unsupported: &[],
            default_batch: &config.batch,
            default_otlp: &config.otlp,
        };
        config.exporters = Some(processors.read(&section.require("processors")?)?);
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
