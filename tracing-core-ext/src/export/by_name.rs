//! Exporters by their names in the environment.

use super::{
    console::Console,
    metrics::MetricsOptions,
    pipeline::{context::SpanExporterOptions, logs::LogExporterOptions},
};
use crate::config::{logs::LogsExporter, metrics::MetricsExporter, traces::TracesExporter};

/// Feature that contains the exporter, but is off.
pub(crate) type MissingFeature = &'static str;

pub(crate) fn span_exporter(
    name: TracesExporter,
) -> Result<Box<dyn SpanExporterOptions>, MissingFeature> {
    match name {
        TracesExporter::Console => Ok(Box::new(Console::new())),
        TracesExporter::ConsoleJson => Ok(Box::new(Console::new().json())),
        #[cfg(feature = "otlp")]
        TracesExporter::Otlp => Ok(Box::new(super::otlp::Otlp::default())),
        #[cfg(not(feature = "otlp"))]
        TracesExporter::Otlp => Err("otlp"),
        #[cfg(feature = "jaeger")]
        TracesExporter::Jaeger => Ok(Box::new(super::jaeger::Jaeger::default())),
        #[cfg(not(feature = "jaeger"))]
        TracesExporter::Jaeger => Err("jaeger"),
    }
}

pub(crate) fn log_exporter(
    name: LogsExporter,
) -> Result<Box<dyn LogExporterOptions>, MissingFeature> {
    match name {
        LogsExporter::Console => Ok(Box::new(Console::new())),
        #[cfg(feature = "otlp")]
        LogsExporter::Otlp => Ok(Box::new(super::otlp::Otlp::default())),
        #[cfg(not(feature = "otlp"))]
        LogsExporter::Otlp => Err("otlp"),
    }
}

pub(crate) fn metrics_exporter(
    name: MetricsExporter,
) -> Result<Box<dyn MetricsOptions>, MissingFeature> {
    match name {
        #[cfg(feature = "otlp")]
        MetricsExporter::Otlp => Ok(Box::new(super::otlp::Otlp::default())),
        #[cfg(not(feature = "otlp"))]
        MetricsExporter::Otlp => Err("otlp"),
        #[cfg(feature = "prometheus")]
        MetricsExporter::Prometheus => Ok(Box::new(super::prometheus::Prometheus::new())),
        #[cfg(not(feature = "prometheus"))]
        MetricsExporter::Prometheus => Err("prometheus"),
    }
}
