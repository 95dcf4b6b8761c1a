//! Settings of the environment or of a configuration file, with all defaults. Each variable is
//! read in one place.

pub(crate) mod batch;
pub(crate) mod control;
pub(crate) mod env;
mod file;
pub(crate) mod jaeger;
pub(crate) mod log_filter;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod otlp;
pub(crate) mod resource;
pub(crate) mod traces;

use std::{collections::BTreeSet, path::Path};

pub use self::otlp::protocol::Compression;
use self::{
    batch::BatchConfig,
    env::{Env, exporters::SelectedExporter, findings::Findings},
    jaeger::JaegerConfig,
    log_filter::LogFilter,
    logs::LogsConfig,
    metrics::MetricsConfig,
    otlp::{OtlpConfig, TRACES},
    resource::ResourceConfig,
    traces::{TracesExporter, limits::LimitsConfig, rules::RulesConfig},
};
use crate::{base::error::TelemetryError, propagation::Propagator, trace::Sampler};

/// All settings of the environment, or of a file instead.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) is_disabled: bool,
    pub(crate) resource: ResourceConfig,
    pub(crate) propagator: Propagator,
    /// Exporters of spans, `None` if neither variable nor file sets them.
    pub(crate) exporters: Option<Vec<SelectedExporter<TracesExporter>>>,
    pub(crate) sampler: Sampler,
    /// Rules that precede the sampler, also one of code.
    pub(crate) sampling_rules: RulesConfig,
    pub(crate) limits: LimitsConfig,
    pub(crate) batch: BatchConfig,
    pub(crate) otlp: OtlpConfig,
    pub(crate) jaeger: JaegerConfig,
    pub(crate) metrics: MetricsConfig,
    pub(crate) logs: LogsConfig,
    /// Filter of log lines, `None` if the variable is not set.
    pub(crate) log_filter: Option<LogFilter>,
    /// Whether log lines and waterfalls are printed without colours.
    pub(crate) no_color: bool,
    /// The configuration file, if there is one.
    pub(crate) file: Option<FileInfo>,
    pub(crate) findings: Findings,
}

/// A configuration file that was read.
#[derive(Clone, Debug)]
pub(crate) struct FileInfo {
    pub(crate) name: String,
    /// Variables that the file refers to.
    pub(crate) variables: BTreeSet<String>,
}

impl Config {
    /// Reads the configuration file of code or of `OTEL_CONFIG_FILE`, or else the environment.
    ///
    /// # Errors
    ///
    /// If a value is invalid and the findings are strict, or if the file cannot be used.
    pub(crate) fn read_file_or_environment(
        file: Option<&Path>,
        variables: &Env,
    ) -> Result<Self, TelemetryError> {
        let variable = variables.text("OTEL_CONFIG_FILE")?;
        match file.or(variable.as_deref().map(Path::new)) {
            Some(path) => Self::read_file(path, variables),
            None => Self::read(variables),
        }
    }

    /// Reads the environment, and collects invalid values in its findings.
    ///
    /// # Errors
    ///
    /// If a value is invalid and the findings are strict.
    pub(crate) fn read(variables: &Env) -> Result<Self, TelemetryError> {
        let is_disabled = variables.boolean(["OTEL_SDK_DISABLED"])?.unwrap_or(false);
        match is_disabled {
            true => Self::read_all(&variables.disabled_subset(), is_disabled),
            false => Self::read_all(variables, is_disabled),
        }
    }

    fn read_all(variables: &Env, is_disabled: bool) -> Result<Self, TelemetryError> {
        let sampler = variables.sampler()?;
        Ok(Self {
            is_disabled,
            resource: variables.resource()?,
            propagator: variables.propagator()?.unwrap_or_else(Propagator::w3c),
            exporters: variables.traces_exporters()?,
            sampler: sampler.unwrap_or_else(|| Sampler::parent_based(Sampler::always_on())),
            sampling_rules: variables.sampling_rules()?,
            limits: variables.limits()?,
            batch: variables.batch()?,
            otlp: variables.otlp(&TRACES)?,
            jaeger: variables.jaeger()?,
            metrics: variables.metrics()?,
            logs: variables.logs()?,
            log_filter: variables.log_filter()?,
            no_color: variables.no_color()?,
            file: None,
            findings: variables.findings.clone(),
        })
    }

    /// Whether the endpoint of any span exporter is set.
    pub(crate) fn has_endpoint(&self) -> bool {
        self.otlp.endpoint.is_some() || self.jaeger.named().is_some()
    }
}

impl Env {
    /// Whether colours are disabled: "When present and not an empty string (regardless of its
    /// value)": no-color.org. A dumb terminal does not interpret control sequences.
    fn no_color(&self) -> Result<bool, TelemetryError> {
        let (no_color, term) = (self.text("NO_COLOR")?, self.text("TERM")?);
        Ok(no_color.is_some() || term.as_deref() == Some("dumb"))
    }
}
