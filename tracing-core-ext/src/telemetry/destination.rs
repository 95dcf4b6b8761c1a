use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::{Resource, trace::SpanExporter};

#[cfg(feature = "jaeger")]
use super::jaeger::{JaegerEndpoint, JaegerExporter};
#[cfg(feature = "otlp")]
use super::otlp::OtlpExporter;
use super::{
    config::{Environment, TRACES_PATH, TracesExporter},
    console::{Console, ConsoleExporter},
    delivery::Delivery,
    endpoint::Endpoint,
    error::TelemetryError,
    pipeline::{Pipeline, Treatment},
};

/// Spans printed on a console are waited for by someone.
const CONSOLE_DELAY: Duration = Duration::from_millis(100);
const EXPORT_DELAY: Duration = Duration::from_secs(5);

/// Where OTLP goes that nobody has given an endpoint.
const COLLECTOR: &str = "http://localhost:4318";

/// A place code, or else the environment, wants the spans to go to.
pub(super) enum Destination {
    Console(Console),
    /// To the collector at this URL, or where the environment says.
    Otlp(Option<String>),
    /// To this agent or collector, or where the environment says.
    #[cfg(feature = "jaeger")]
    Jaeger(Option<JaegerEndpoint>),
    Own(MakePipeline),
}

type MakePipeline = Box<dyn FnOnce(&Way<'_>) -> Pipeline + Send>;

/// What every pipeline of a service has in common.
pub(super) struct Way<'a> {
    pub(super) service_name: &'a str,
    pub(super) resource: &'a Resource,
    pub(super) environment: &'a Environment,
}

impl Destination {
    /// What the environment wants: the exporters it lists, or else those of which it knows the endpoint.
    pub(super) fn of_environment(environment: &Environment) -> Vec<Self> {
        if let Some(exporters) = &environment.exporters {
            return exporters.iter().copied().map(Self::from).collect();
        }
        let mut named = Vec::new();
        if environment.traces.endpoint.is_some() {
            named.push(Self::Otlp(None));
        }
        #[cfg(feature = "jaeger")]
        if environment.jaeger.is_named() {
            named.push(Self::Jaeger(None));
        }
        if named.is_empty() {
            named.push(Self::Console(Console::new()));
        }
        named
    }

    pub(super) fn own(exporter: impl SpanExporter + 'static) -> Self {
        Self::Own(Box::new(|way| {
            let delivery = way.delivery("exporter()".to_owned(), "exporter");
            way.pipeline(exporter, delivery, EXPORT_DELAY)
        }))
    }

    pub(super) fn pipeline(self, way: &Way<'_>) -> Result<Pipeline, TelemetryError> {
        match self {
            Self::Console(console) => Ok(way.to_console(&console)),
            Self::Own(make) => Ok(make(way)),
            Self::Otlp(url) => way.to_collector(&endpoint(url, way.environment)?),
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
            TracesExporter::Otlp => Self::Otlp(None),
            #[cfg(feature = "jaeger")]
            TracesExporter::Jaeger => Self::Jaeger(None),
        }
    }
}

fn endpoint(url: Option<String>, environment: &Environment) -> Result<Endpoint, TelemetryError> {
    match (url, &environment.traces.endpoint) {
        (Some(url), _) => Endpoint::of_collector("otlp_endpoint()", &url, TRACES_PATH),
        (None, Some(endpoint)) => Ok(endpoint.clone()),
        (None, None) => {
            Endpoint::of_collector("OTEL_EXPORTER_OTLP_ENDPOINT", COLLECTOR, TRACES_PATH)
        }
    }
}

impl Way<'_> {
    fn delivery(&self, destination: String, exporter_type: &'static str) -> Arc<Delivery> {
        let delivery = Delivery::of_spans(destination, &self.environment.batch);
        Arc::new(delivery.of_type(exporter_type))
    }

    fn pipeline(
        &self,
        exporter: impl SpanExporter + 'static,
        delivery: Arc<Delivery>,
        default_delay: Duration,
    ) -> Pipeline {
        let treatment = Treatment {
            batch: &self.environment.batch,
            default_delay,
            value_limit: self.environment.limits.value,
            resource: self.resource,
        };
        Pipeline::new(exporter, delivery, &treatment)
    }

    fn to_console(&self, console: &Console) -> Pipeline {
        let delivery = self.delivery(console.destination().to_owned(), "console_exporter");
        let kept = Arc::clone(&delivery);
        let exporter =
            ConsoleExporter::new(self.service_name, console, self.environment.no_color, kept);
        self.pipeline(exporter, delivery, CONSOLE_DELAY)
    }

    #[cfg(feature = "jaeger")]
    fn to_jaeger(&self, endpoint: Option<JaegerEndpoint>) -> Result<Pipeline, TelemetryError> {
        let jaeger = &self.environment.jaeger;
        let endpoint = jaeger.endpoint(endpoint)?;
        let delivery = self.delivery(endpoint.to_string(), "jaeger_exporter");
        let exporter = JaegerExporter::new(&endpoint, jaeger, &delivery)?;
        Ok(self.pipeline(exporter, delivery, EXPORT_DELAY))
    }

    #[cfg(feature = "otlp")]
    fn to_collector(&self, endpoint: &Endpoint) -> Result<Pipeline, TelemetryError> {
        let delivery = self.delivery(endpoint.to_string(), "otlp_http_exporter");
        let exporter = OtlpExporter::new(endpoint, &self.environment.traces, &delivery)?;
        Ok(self.pipeline(exporter, delivery, EXPORT_DELAY))
    }

    #[cfg(not(feature = "otlp"))]
    fn to_collector(&self, endpoint: &Endpoint) -> Result<Pipeline, TelemetryError> {
        Err(endpoint.refused("no endpoint, for the feature `otlp` of tracing-core-ext is off"))
    }
}
