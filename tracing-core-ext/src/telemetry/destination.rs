use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::trace::SpanExporter;

#[cfg(feature = "otlp")]
use super::otlp::OtlpExporter;
use super::{
    config::{Batch, Environment, TRACES_PATH},
    console::{Console, ConsoleExporter},
    delivery::{CountingProcessor, Delivery},
    endpoint::Endpoint,
    error::TelemetryError,
};

/// Spans printed on a console are waited for by someone.
const CONSOLE_DELAY: Duration = Duration::from_millis(100);
const EXPORT_DELAY: Duration = Duration::from_secs(5);

/// Where code, or else the environment, wants the spans to go.
pub(super) enum Destination {
    Console(Console),
    Collector(String),
    Traces(Endpoint),
    Own(MakePipeline),
}

pub(super) type MakePipeline = Box<dyn FnOnce(&Batch) -> Pipeline + Send>;

/// The way of a span once it has ended.
pub(super) struct Pipeline {
    pub(super) processor: CountingProcessor,
    pub(super) delivery: Arc<Delivery>,
}

impl Destination {
    pub(super) fn own(exporter: impl SpanExporter + 'static) -> Self {
        Self::Own(Box::new(|batch| {
            let delivery = Arc::new(Delivery::of_spans("exporter()".to_owned(), batch));
            Pipeline::new(exporter, delivery, batch, EXPORT_DELAY)
        }))
    }

    pub(super) fn pipeline(
        self,
        service_name: &str,
        environment: &Environment,
    ) -> Result<Pipeline, TelemetryError> {
        let endpoint = match self {
            Self::Console(console) => {
                return Ok(Pipeline::to_console(&console, service_name, environment));
            }
            Self::Own(make) => return Ok(make(&environment.batch)),
            Self::Collector(url) => Endpoint::of_collector("otlp_endpoint()", &url, TRACES_PATH)?,
            Self::Traces(endpoint) => endpoint,
        };
        Pipeline::to_collector(&endpoint, environment)
    }
}

impl Pipeline {
    fn new(
        exporter: impl SpanExporter + 'static,
        delivery: Arc<Delivery>,
        batch: &Batch,
        delay: Duration,
    ) -> Self {
        Self {
            processor: CountingProcessor::new(exporter, batch, delay, Arc::clone(&delivery)),
            delivery,
        }
    }

    fn to_console(console: &Console, service_name: &str, environment: &Environment) -> Self {
        let batch = &environment.batch;
        let delivery = Arc::new(Delivery::of_spans(console.destination().to_owned(), batch));
        let kept = Arc::clone(&delivery);
        let exporter = ConsoleExporter::new(service_name, console, environment.no_color, kept);
        Self::new(exporter, delivery, batch, CONSOLE_DELAY)
    }

    #[cfg(feature = "otlp")]
    fn to_collector(
        endpoint: &Endpoint,
        environment: &Environment,
    ) -> Result<Self, TelemetryError> {
        let batch = &environment.batch;
        let delivery = Arc::new(Delivery::of_spans(endpoint.to_string(), batch));
        let exporter = OtlpExporter::new(endpoint, &environment.traces, &delivery)?;
        Ok(Self::new(exporter, delivery, batch, EXPORT_DELAY))
    }

    #[cfg(not(feature = "otlp"))]
    fn to_collector(endpoint: &Endpoint, _: &Environment) -> Result<Self, TelemetryError> {
        Err(endpoint.refused("no endpoint, for the feature `otlp` of tracing-core-ext is off"))
    }
}
