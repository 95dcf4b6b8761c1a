//! `meter_provider`.

mod views;

use super::{
    document::item::{Item, Section},
    exporter::{otlp_grpc, otlp_http},
};
use crate::{
    base::error::TelemetryError,
    config::{
        Config,
        env::words::Words,
        metrics::{
            AGGREGATIONS, HistogramAggregation, ListenerConfig, MetricsConfig, MetricsExport,
            MetricsExporter,
        },
    },
};
use opentelemetry_sdk::metrics::Temporality;

const TEMPORALITIES: Words<Temporality> = Words {
    known: &[
        ("cumulative", Temporality::Cumulative),
        ("delta", Temporality::Delta),
        ("low_memory", Temporality::LowMemory),
    ],
    unsupported: &[],
};

const EXPORTERS: &str = "otlp_http, otlp_grpc or prometheus/development";

/// Reads the meter provider. Without one there are no metrics.
pub(super) fn read(item: Option<&Item<'_>>, config: &mut Config) -> Result<(), TelemetryError> {
    let Some(item) = item else { return Ok(()) };
    let section = item.section()?;
    let list = section.require("readers")?;
    let mut exporters = Vec::new();
    for item in list.items()? {
        exporters.extend(reader(&item, &config.metrics)?);
    }
    if exporters.is_empty() {
        return Err(list.refused(&format!(
            "nothing would be exported: expected a reader whose exporter is {EXPORTERS}"
        )));
    }
    check_prometheus(&list, &exporters)?;
    check_histograms(&list, &exporters)?;
    config.metrics.exporters = exporters;
    config.metrics.views = section.read_or("views", Vec::new(), views::read)?;
    if let Some(item) = section.get("exemplar_filter")
        && item.text()? != "trace_based"
    {
        item.unsupported()?;
    }
    section.unsupported(["meter_configurator/development"])?;
    section.finish()
}

/// Refuses a second listener: the service has one registry.
fn check_prometheus(list: &Item<'_>, exporters: &[MetricsExport]) -> Result<(), TelemetryError> {
    let is_prometheus = |export: &&MetricsExport| export.exporter == MetricsExporter::Prometheus;
    match exporters.iter().filter(is_prometheus).count() {
        0 | 1 => Ok(()),
        _ => Err(list.refused("there are several prometheus/development exporters: expected one")),
    }
}

/// Refuses readers that differ in the aggregation of histograms, because the SDK has one for all.
fn check_histograms(list: &Item<'_>, exporters: &[MetricsExport]) -> Result<(), TelemetryError> {
    let mut aggregations =
        exporters.iter().filter_map(|export| Some(export.own.as_ref()?.histograms));
    let first = aggregations.next();
    match first.is_some_and(|first| aggregations.any(|other| other != first)) {
        true => Err(list.refused(
            "readers differ in default_histogram_aggregation: expected the same of all of them",
        )),
        false => Ok(()),
    }
}

fn reader(
    item: &Item<'_>,
    default: &MetricsConfig,
) -> Result<Option<MetricsExport>, TelemetryError> {
    let (name, options) = item.variant()?;
    let section = options.section()?;
    let exporter = match name {
        "periodic" => {
            let own = MetricsConfig {
                interval: section.read_or("interval", default.interval, positive)?,
                timeout: section.read_or("timeout", default.timeout, Item::timeout)?,
                ..default.clone()
            };
            section.unsupported(["max_export_batch_size/development"])?;
            push_exporter(&section.require("exporter")?, own)?
        }
        "pull" => pull_exporter(&section.require("exporter")?, default)?,
        _ => return Err(options.refused("unknown reader: expected periodic or pull")),
    };
    section.unsupported(["producers", "cardinality_limits"])?;
    section.finish()?;
    Ok(exporter)
}

/// Returns an interval. Zero would export without a pause.
fn positive(item: &Item<'_>) -> Result<std::time::Duration, TelemetryError> {
    Ok(item.milliseconds()?.max(std::time::Duration::from_millis(1)))
}

fn push_exporter(
    item: &Item<'_>,
    mut own: MetricsConfig,
) -> Result<Option<MetricsExport>, TelemetryError> {
    let (name, options) = item.variant()?;
    let section = options.section()?;
    own.otlp = match name {
        "otlp_http" => otlp_http(&section, &own.otlp)?,
        "otlp_grpc" => otlp_grpc(&section, &own.otlp)?,
        "console" | "otlp_file/development" => return options.unsupported().map(|()| None),
        _ => return Err(options.refused(&format!("unknown exporter: expected {EXPORTERS}"))),
    };
    read_temporality(&section, &mut own)?;
    section.finish()?;
    let (exporter, setting) = (MetricsExporter::Otlp, options.setting());
    Ok(Some(MetricsExport { exporter, setting, own: Some(Box::new(own)) }))
}

fn read_temporality(section: &Section<'_>, own: &mut MetricsConfig) -> Result<(), TelemetryError> {
    let temporality = |item: &Item<'_>| item.word(&TEMPORALITIES);
    own.temporality = section.read_or("temporality_preference", own.temporality, temporality)?;
    let histograms = |item: &Item<'_>| item.word(&AGGREGATIONS);
    own.histograms =
        section.read_or("default_histogram_aggregation", own.histograms, histograms)?;
    Ok(())
}

fn pull_exporter(
    item: &Item<'_>,
    default: &MetricsConfig,
) -> Result<Option<MetricsExport>, TelemetryError> {
    let (name, options) = item.variant()?;
    if name != "prometheus/development" {
        return Err(options.refused("unknown exporter: expected prometheus/development"));
    }
    let section = options.section()?;
    let listener = ListenerConfig {
        host: section.read_or("host", "localhost".to_owned(), Item::text)?,
        port: section.read_or("port", default.listener.port, |item| item.integer(0..=65535))?,
    };
    for key in ["scope_info_enabled", "target_info_enabled/development"] {
        if let Some(item) = section.get(key)
            && !item.boolean()?
        {
            item.unsupported()?;
        }
    }
    if let Some(item) = section.get("translation_strategy")
        && item.text()? != "underscore_escaping_with_suffixes"
    {
        item.unsupported()?;
    }
    section.unsupported(["resource_constant_labels"])?;
    section.finish()?;
    let own =
        MetricsConfig { listener, histograms: HistogramAggregation::Explicit, ..default.clone() };
    let (exporter, setting) = (MetricsExporter::Prometheus, options.setting());
    Ok(Some(MetricsExport { exporter, setting, own: Some(Box::new(own)) }))
}
