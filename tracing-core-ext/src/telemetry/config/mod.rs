//! What the environment says, each variable read in one place.

mod batch;
mod metrics;
mod otlp;
mod protocol;
mod variables;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::{error::TelemetryError, resource};
use crate::{
    exchange::VALUE_LIMIT_VARIABLES,
    propagation::{CompositePropagator, CompositePropagatorError, Propagator},
};

pub(super) use batch::Batch;
#[cfg(all(feature = "otlp", feature = "prometheus"))]
pub(super) use metrics::HISTOGRAMS;
#[cfg(feature = "otlp")]
pub(super) use metrics::Histograms;
pub(super) use metrics::MetricsVariables;
#[cfg(feature = "tls")]
pub(super) use otlp::Path;
#[cfg(feature = "otlp")]
pub(super) use otlp::{METRICS, Signal};
pub(super) use otlp::{OtlpVariables, TRACES};
#[cfg(feature = "otlp")]
pub use protocol::Compression;
#[cfg(feature = "otlp")]
pub(super) use protocol::Protocol;
pub(super) use variables::Variables;

/// OpenTelemetry's own notes on its normal course are left out.
const LOG_FILTER: &str = "info,opentelemetry=warn";

/// What the environment says, read once and checked.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) service_name: Option<String>,
    pub(super) service_name_in_resource: Option<String>,
    pub(super) resource_attributes: Vec<(String, String)>,
    pub(super) propagator: Option<Propagator>,
    pub(super) traces: OtlpVariables,
    pub(super) batch: Batch,
    #[cfg_attr(
        not(any(feature = "otlp", feature = "prometheus")),
        allow(dead_code, reason = "nobody reads metrics")
    )]
    pub(super) metrics: MetricsVariables,
    /// In characters.
    pub(super) value_limit: Option<usize>,
    pub(super) log_filter: EnvFilter,
    pub(super) no_color: bool,
}

impl Environment {
    pub(super) fn read(variables: &Variables) -> Result<Self, TelemetryError> {
        let mut resource_attributes = variables.resource_attributes()?;
        Ok(Self {
            service_name: variables.text("OTEL_SERVICE_NAME")?,
            service_name_in_resource: take_service_name(&mut resource_attributes),
            resource_attributes,
            propagator: variables.propagator()?,
            traces: variables.otlp(&TRACES)?,
            batch: variables.batch()?,
            metrics: variables.metrics()?,
            value_limit: variables.value_limit()?,
            log_filter: variables.log_filter()?,
            no_color: variables.text("NO_COLOR")?.is_some(),
        })
    }
}

impl Variables {
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

    fn value_limit(&self) -> Result<Option<usize>, TelemetryError> {
        let found = self.first(VALUE_LIMIT_VARIABLES)?;
        let number = found.map(|(name, value)| {
            let number = value.trim().parse();
            number.map_err(|_| TelemetryError::setting(name, value, "a whole number of characters"))
        });
        number.transpose()
    }

    fn log_filter(&self) -> Result<EnvFilter, TelemetryError> {
        let directives = self.text("RUST_LOG")?.unwrap_or_else(|| LOG_FILTER.to_owned());
        EnvFilter::builder()
            .with_default_directive(LevelFilter::INFO.into())
            .parse(&directives)
            .map_err(|_| {
                TelemetryError::setting(
                    "RUST_LOG",
                    directives,
                    "filter directives such as info,my_service=debug",
                )
            })
    }
}

fn take_service_name(attributes: &mut Vec<(String, String)>) -> Option<String> {
    let (names, others) =
        std::mem::take(attributes).into_iter().partition(|(key, _)| key == resource::SERVICE_NAME);
    *attributes = others;
    let names: Vec<(String, String)> = names;
    names.into_iter().next_back().map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
