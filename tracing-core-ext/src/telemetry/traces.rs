use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::{Resource, trace::SpanExporter};

#[cfg(not(feature = "otlp"))]
use crate::config::otlp::EnvUrl;
#[cfg(feature = "otlp")]
use crate::config::{otlp::TRACES, protocol::Protocol};
#[cfg(feature = "jaeger")]
use crate::export::jaeger::{JaegerEndpoint, JaegerExporter};
#[cfg(feature = "otlp")]
use crate::export::otlp::{Otlp, settings::Settings, traces::OtlpSpanExporter};
use crate::{
    base::error::TelemetryError,
    config::{EnvConfig, traces::TracesExporter},
    export::{
        console::{Console, exporter::ConsoleExporter},
        pipeline::{
            Pipeline, PipelineOptions,
            exporter::{BatchExporter, SdkExporter},
            hook::SpanHook,
        },
        state::ExportState,
    },
};

/// Spans printed on a console are waited for by someone.
const CONSOLE_DELAY: Duration = Duration::from_millis(100);
const EXPORT_DELAY: Duration = Duration::from_secs(5);

/// A place code, or else the environment, wants the spans to go to.
pub(crate) enum Destination {
    Console(Console),
    /// By these options, and where they leave it open by the environment.
    #[cfg(feature = "otlp")]
    Otlp(Box<Otlp>),
    #[cfg(not(feature = "otlp"))]
    WithoutOtlp(EnvUrl),
    /// To this agent or collector, or where the environment says.
    #[cfg(feature = "jaeger")]
    Jaeger(Option<JaegerEndpoint>),
    Own(MakePipeline),
}

type MakePipeline = Box<dyn FnOnce(&Way<'_>) -> Result<Pipeline, TelemetryError> + Send>;

/// What every pipeline of a service has in common.
pub(crate) struct Way<'a> {
    pub(crate) service_name: &'a str,
    pub(crate) resource: &'a Resource,
    pub(crate) environment: &'a EnvConfig,
    pub(crate) hook: Option<&'a SpanHook>,
    pub(crate) shutdown_timeout: Duration,
}

impl Destination {
    /// What the environment wants: the exporters it lists, or else those of which it knows the endpoint.
    pub(crate) fn of_environment(environment: &EnvConfig) -> Vec<Self> {
        if let Some(exporters) = &environment.exporters {
            return exporters.iter().copied().map(Self::from).collect();
        }
        let mut named = Vec::from_iter(Self::named_by_otlp(environment));
        #[cfg(feature = "jaeger")]
        if environment.jaeger.is_named() {
            named.push(Self::Jaeger(None));
        }
        if named.is_empty() {
            named.push(Self::Console(Console::new()));
        }
        named
    }

    #[cfg(feature = "otlp")]
    fn named_by_otlp(environment: &EnvConfig) -> Option<Self> {
        environment.traces.endpoint.as_ref().map(|_| Self::Otlp(Box::default()))
    }

    #[cfg(not(feature = "otlp"))]
    fn named_by_otlp(environment: &EnvConfig) -> Option<Self> {
        environment.traces.endpoint.clone().map(Self::WithoutOtlp)
    }

    /// Whether what code leaves open comes from there.
    pub(crate) fn heeds_the_environment(&self) -> bool {
        !matches!(self, Self::Console(_) | Self::Own(_))
    }

    pub(crate) fn own(exporter: impl SpanExporter + 'static) -> Self {
        Self::Own(Box::new(|way| {
            let state = way.state("exporter()".to_owned(), "span_exporter");
            way.pipeline(SdkExporter(exporter), state, EXPORT_DELAY)
        }))
    }

    pub(crate) fn pipeline(self, way: &Way<'_>) -> Result<Pipeline, TelemetryError> {
        match self {
            Self::Console(console) => way.to_console(&console),
            Self::Own(make) => make(way),
            #[cfg(feature = "otlp")]
            Self::Otlp(options) => way.over_otlp(&options),
            #[cfg(not(feature = "otlp"))]
            Self::WithoutOtlp((setting, url)) => {
                let expected = "no endpoint, for the feature `otlp` of tracing-core-ext is off";
                Err(TelemetryError::setting(setting, url.to_string(), expected))
            }
            #[cfg(feature = "jaeger")]
            Self::Jaeger(endpoint) => way.to_jaeger(endpoint),
        }
    }
}

impl From<TracesExporter> for Destination {
    fn from(exporter: TracesExporter) -> Self {
        match exporter {
            TracesExporter::Console => Self::Console(Console::new()),
            TracesExporter::ConsoleJson => Self::Console(Console::new().json()),
            #[cfg(feature = "otlp")]
            TracesExporter::Otlp => Self::Otlp(Box::default()),
            #[cfg(feature = "jaeger")]
            TracesExporter::Jaeger => Self::Jaeger(None),
        }
    }
}

impl Way<'_> {
    fn state(&self, destination: String, exporter_type: &'static str) -> Arc<ExportState> {
        let batch = &self.environment.batch;
        Arc::new(ExportState::for_spans(destination, exporter_type, batch))
    }

    fn pipeline(
        &self,
        exporter: impl BatchExporter,
        state: Arc<ExportState>,
        default_delay: Duration,
    ) -> Result<Pipeline, TelemetryError> {
        let options = PipelineOptions {
            batch: &self.environment.batch,
            resource: self.resource,
            hook: self.hook,
            shutdown_timeout: self.shutdown_timeout,
        };
        Pipeline::start(exporter, state, default_delay, options)
    }

    fn to_console(&self, console: &Console) -> Result<Pipeline, TelemetryError> {
        let state = self.state(console.destination().to_owned(), "console_span_exporter");
        let no_color = self.environment.no_color;
        let exporter =
            ConsoleExporter::new(self.service_name, console, no_color, Arc::clone(&state));
        self.pipeline(SdkExporter(exporter), state, CONSOLE_DELAY)
    }

    #[cfg(feature = "jaeger")]
    fn to_jaeger(&self, endpoint: Option<JaegerEndpoint>) -> Result<Pipeline, TelemetryError> {
        let jaeger = &self.environment.jaeger;
        let endpoint = jaeger.endpoint(endpoint)?;
        let state = self.state(endpoint.to_string(), "jaeger_span_exporter");
        let timeout = jaeger.timeout.min(self.environment.batch.export_timeout);
        let exporter = JaegerExporter::new(&endpoint, jaeger, timeout, &state)?;
        self.pipeline(SdkExporter(exporter), state, EXPORT_DELAY)
    }

    #[cfg(feature = "otlp")]
    fn over_otlp(&self, options: &Otlp) -> Result<Pipeline, TelemetryError> {
        let mut settings = Settings::resolve(options, &self.environment.traces, &TRACES)?;
        settings.timeout = settings.timeout.min(self.environment.batch.export_timeout);
        let state = self.state(settings.endpoint.to_string(), type_over(settings.protocol));
        let exporter = OtlpSpanExporter::new(settings, &state)?;
        self.pipeline(exporter, state, EXPORT_DELAY)
    }
}

/// By the names of the semantic conventions for SDK metrics.
#[cfg(feature = "otlp")]
fn type_over(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "otlp_grpc_span_exporter",
        Protocol::HttpProtobuf => "otlp_http_span_exporter",
        Protocol::HttpJson => "otlp_http_json_span_exporter",
    }
}
