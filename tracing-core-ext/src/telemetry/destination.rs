use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::trace::SpanExporter;

#[cfg(not(feature = "otlp"))]
use super::endpoint::Endpoint;
#[cfg(feature = "otlp")]
use super::otlp::{Otlp, OtlpExporter, Settings};
use super::{
    config::{Batch, Environment, TRACES},
    console::ConsoleExporter,
    delivery::{CountingProcessor, Delivery},
    error::TelemetryError,
};

/// Spans printed on a console are waited for by someone.
const CONSOLE_DELAY: Duration = Duration::from_millis(100);
const EXPORT_DELAY: Duration = Duration::from_secs(5);

/// Where code, or else the environment, wants the spans to go.
pub(super) enum Destination {
    Console,
    #[cfg(feature = "otlp")]
    Otlp(Box<Otlp>),
    #[cfg(not(feature = "otlp"))]
    Collector(String),
    #[cfg(not(feature = "otlp"))]
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
        match self {
            Self::Console => Ok(Pipeline::to_console(service_name, environment)),
            Self::Own(make) => Ok(make(&environment.batch)),
            #[cfg(feature = "otlp")]
            Self::Otlp(options) => Pipeline::over_otlp(&options, environment),
            #[cfg(not(feature = "otlp"))]
            Self::Collector(url) => {
                Err(no_otlp(&Endpoint::of_collector("otlp_endpoint()", &url, TRACES.path)?))
            }
            #[cfg(not(feature = "otlp"))]
            Self::Traces(endpoint) => Err(no_otlp(&endpoint)),
        }
    }

    /// Where the environment names an endpoint, that.
    pub(super) fn of_environment(environment: &mut Environment) -> Option<Self> {
        #[cfg(feature = "otlp")]
        return environment.traces.endpoint.as_ref().map(|_| Self::Otlp(Box::default()));
        #[cfg(not(feature = "otlp"))]
        environment.traces.endpoint.take().map(Self::Traces)
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

    fn to_console(service_name: &str, environment: &Environment) -> Self {
        let batch = &environment.batch;
        let delivery = Arc::new(Delivery::of_spans("standard output".to_owned(), batch));
        let kept = Arc::clone(&delivery);
        let exporter = ConsoleExporter::stdout(service_name, environment.no_color, kept);
        Self::new(exporter, delivery, batch, CONSOLE_DELAY)
    }

    #[cfg(feature = "otlp")]
    fn over_otlp(options: &Otlp, environment: &Environment) -> Result<Self, TelemetryError> {
        let settings = Settings::resolve(options, &environment.traces, &TRACES)?;
        let batch = &environment.batch;
        let delivery = Arc::new(Delivery::of_spans(settings.endpoint.to_string(), batch));
        let exporter = OtlpExporter::new(settings, &delivery)?;
        Ok(Self::new(exporter, delivery, batch, EXPORT_DELAY))
    }
}

#[cfg(not(feature = "otlp"))]
fn no_otlp(endpoint: &Endpoint) -> TelemetryError {
    endpoint.refused("no endpoint, for the feature `otlp` of tracing-core-ext is off")
}
