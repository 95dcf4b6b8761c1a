//! Start of the exporters.

use super::{
    logs::OtlpLogExporter, metrics::OtlpMetrics, options::Otlp, settings::Settings,
    traces::OtlpSpanExporter,
};
use crate::{
    base::error::TelemetryError,
    config::otlp::{LOGS, METRICS, TRACES, protocol::Protocol},
    export::{
        metrics::{MetricsContext, MetricsOptions, MetricsOutput},
        pipeline::{
            Pipeline,
            context::{EXPORT_DELAY, PipelineContext, SpanExporterOptions},
            logs::{LOG_EXPORT_DELAY, LogExporterOptions, LogPipeline},
        },
    },
};
use opentelemetry_sdk::metrics::MeterProviderBuilder;

impl SpanExporterOptions for Otlp {
    fn start(self: Box<Self>, context: &PipelineContext<'_>) -> Result<Pipeline, TelemetryError> {
        let config = context.config;
        let mut settings = Settings::resolve(&self, &TRACES, &config.otlp, config)?;
        settings.timeout = settings.timeout.min(config.batch.export_timeout);
        let exporter_type = span_exporter_type(settings.protocol);
        let state = context.state(settings.endpoint.to_string(), exporter_type);
        let exporter = OtlpSpanExporter::new(settings, &state)?;
        context.pipeline(exporter, state, EXPORT_DELAY)
    }

    fn reads_environment(&self) -> bool {
        true
    }
}

/// Semantic conventions for SDK metrics, `otel.component.type`.
fn span_exporter_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "otlp_grpc_span_exporter",
        Protocol::HttpProtobuf => "otlp_http_span_exporter",
        Protocol::HttpJson => "otlp_http_json_span_exporter",
    }
}

impl LogExporterOptions for Otlp {
    fn start(
        self: Box<Self>,
        context: &PipelineContext<'_>,
    ) -> Result<LogPipeline, TelemetryError> {
        let config = context.config;
        let mut settings = Settings::resolve(&self, &LOGS, &config.logs.otlp, config)?;
        settings.timeout = settings.timeout.min(config.logs.batch.export_timeout);
        let exporter_type = log_exporter_type(settings.protocol);
        let state = context.log_state(settings.endpoint.to_string(), exporter_type);
        let exporter = OtlpLogExporter::new(settings, &state)?;
        context.log_pipeline(exporter, state, LOG_EXPORT_DELAY)
    }
}

/// Semantic conventions for SDK metrics, `otel.component.type`.
fn log_exporter_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "otlp_grpc_log_exporter",
        Protocol::HttpProtobuf => "otlp_http_log_exporter",
        Protocol::HttpJson => "otlp_http_json_log_exporter",
    }
}

impl MetricsOptions for Otlp {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn attach(
        self: Box<Self>,
        meters: MeterProviderBuilder,
        context: &MetricsContext<'_>,
    ) -> Result<(MeterProviderBuilder, Box<dyn MetricsOutput>), TelemetryError> {
        let config = context.config;
        let mut settings = Settings::resolve(&self, &METRICS, &config.metrics.otlp, config)?;
        settings.timeout = settings.timeout.min(config.metrics.timeout);
        let (meters, output) = OtlpMetrics::attach(settings, meters, context)?;
        Ok((meters, Box::new(output)))
    }
}
