//! What the environment says, each variable read in one place.

pub(crate) mod batch;
pub(crate) mod env;
#[cfg(feature = "jaeger")]
pub(crate) mod jaeger;
mod limits;
pub(crate) mod log_filter;
pub(crate) mod metrics;
pub(crate) mod otlp;
mod otlp_headers;
pub(crate) mod protocol;
#[cfg(test)]
mod tests;
pub(crate) mod traces;

#[cfg(feature = "jaeger")]
use self::jaeger::JaegerConfig;
use self::{
    batch::BatchConfig,
    env::Env,
    limits::LimitsConfig,
    log_filter::LogFilter,
    metrics::MetricsVariables,
    otlp::{OtlpVariables, TRACES},
    traces::TracesExporter,
};
use crate::{
    base::error::TelemetryError,
    export::console::waterfall::style::forbids_color,
    propagation::{CompositePropagator, CompositePropagatorError, Propagator},
    telemetry::resource,
    trace::Sampler,
};

#[cfg(feature = "otlp")]
pub use self::protocol::Compression;

/// What the environment says, read once and checked.
#[derive(Debug)]
pub(crate) struct EnvConfig {
    pub(crate) is_disabled: bool,
    pub(crate) service_name: Option<String>,
    pub(crate) service_name_in_resource: Option<String>,
    pub(crate) resource_attributes: Vec<(String, String)>,
    pub(crate) propagator: Option<Propagator>,
    /// None where it is not said.
    pub(crate) exporters: Option<Vec<TracesExporter>>,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) traces: OtlpVariables,
    pub(crate) batch: BatchConfig,
    #[cfg(feature = "jaeger")]
    pub(crate) jaeger: JaegerConfig,
    #[cfg_attr(
        not(any(feature = "otlp", feature = "prometheus")),
        allow(dead_code, reason = "nobody reads metrics")
    )]
    pub(crate) metrics: MetricsVariables,
    pub(crate) limits: LimitsConfig,
    pub(crate) log_filter: Option<LogFilter>,
    pub(crate) no_color: bool,
}

impl EnvConfig {
    pub(crate) fn read(variables: &Env) -> Result<Self, TelemetryError> {
        let is_disabled = variables.is_disabled()?;
        if is_disabled {
            return Self::read_all(&variables.disabled_subset(), is_disabled);
        }
        Self::read_all(variables, is_disabled)
    }

    fn read_all(variables: &Env, is_disabled: bool) -> Result<Self, TelemetryError> {
        let mut resource_attributes = variables.resource_attributes()?;
        Ok(Self {
            is_disabled,
            service_name: variables.text("OTEL_SERVICE_NAME")?,
            service_name_in_resource: take_service_name(&mut resource_attributes),
            resource_attributes,
            propagator: variables.propagator()?,
            exporters: variables.traces_exporters()?,
            sampler: variables.sampler()?,
            traces: variables.otlp(&TRACES)?,
            batch: variables.batch()?,
            #[cfg(feature = "jaeger")]
            jaeger: variables.jaeger()?,
            metrics: variables.metrics()?,
            limits: variables.limits()?,
            log_filter: variables.log_filter()?,
            no_color: variables.no_color()?,
        })
    }
}

impl EnvConfig {
    /// For traces, whatever exports them.
    pub(crate) fn names_an_endpoint(&self) -> bool {
        #[cfg(feature = "jaeger")]
        if self.jaeger.is_named() {
            return true;
        }
        self.traces.endpoint.is_some()
    }
}

impl Env {
    fn resource_attributes(&self) -> Result<Vec<(String, String)>, TelemetryError> {
        self.text("OTEL_RESOURCE_ATTRIBUTES")?
            .map_or(Ok(Vec::new()), |value| resource::parse_attributes(&value))
    }

    fn propagator(&self) -> Result<Option<Propagator>, TelemetryError> {
        const PROPAGATORS: &str = "OTEL_PROPAGATORS";
        let Some(list) = self.text(PROPAGATORS)? else {
            return Ok(None);
        };
        match list.parse::<CompositePropagator>() {
            Ok(composite) => Ok(Some(composite.into())),
            Err(_) => {
                let expected = CompositePropagatorError::EXPECTED;
                Err(TelemetryError::setting(PROPAGATORS, list, expected))
            }
        }
    }

    fn is_disabled(&self) -> Result<bool, TelemetryError> {
        Ok(self.boolean(["OTEL_SDK_DISABLED"])?.unwrap_or(false))
    }

    fn no_color(&self) -> Result<bool, TelemetryError> {
        let (no_color, term) = (self.text("NO_COLOR")?, self.text("TERM")?);
        Ok(forbids_color(no_color.as_deref(), term.as_deref()))
    }

    fn log_filter(&self) -> Result<Option<LogFilter>, TelemetryError> {
        self.text("RUST_LOG")?
            .map(|directives| LogFilter::parse("RUST_LOG", directives))
            .transpose()
    }
}

fn take_service_name(attributes: &mut Vec<(String, String)>) -> Option<String> {
    let (names, others) =
        std::mem::take(attributes).into_iter().partition(|(key, _)| key == resource::SERVICE_NAME);
    *attributes = others;
    let names: Vec<(String, String)> = names;
    names.into_iter().next_back().map(|(_, name)| name)
}
