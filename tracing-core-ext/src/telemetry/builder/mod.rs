//! Set-up of a service in code.

pub(crate) mod additions;
#[cfg(feature = "jaeger")]
mod jaeger;
pub(crate) mod log_records;
mod logs;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "panel")]
mod panel;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(test)]
mod tests;
mod traces;

use std::{fmt, path::PathBuf, time::Duration};

use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::SpanProcessor;
use tracing_subscriber::{filter::LevelFilter, fmt::writer::BoxMakeWriter};

use self::{additions::Additions, log_records::LogRecordsSetup};
use super::{
    log_format::{LogFormat, LogStyle},
    metrics::MetricsSetup,
    resource::{ENVIRONMENT_NAME, SERVICE_VERSION},
    subscriber::BoxLayer,
};
use crate::{
    config::{env::Env, resource::detectors::ResourceDetectors},
    export::pipeline::{context::SpanExporterOptions, hook::SpanHook},
    propagation::Propagator,
    trace::Sampler,
};

const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Builder for the telemetry of a service, created by
/// [`Telemetry::builder`](super::Telemetry::builder).
///
/// Options in code take precedence over the environment. An empty variable counts as unset.
#[must_use = "nothing happens before install() or build()"]
pub struct TelemetryBuilder {
    pub(crate) service_name: Option<String>,
    pub(crate) package_name: Option<String>,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) resource_detectors: Option<ResourceDetectors>,
    pub(crate) propagator: Option<Propagator>,
    pub(crate) exporters: Vec<Box<dyn SpanExporterOptions>>,
    pub(crate) before_export: Option<SpanHook>,
    pub(crate) span_processors: Vec<Box<dyn SpanProcessor>>,
    pub(crate) max_queue_bytes: Option<usize>,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) log_format: LogFormat,
    pub(crate) log_style: LogStyle,
    pub(crate) log_writer: Option<BoxMakeWriter>,
    pub(crate) log_filter: Option<String>,
    pub(crate) layers: Vec<BoxLayer>,
    pub(crate) additions: Additions,
    /// Whether a subscriber is built.
    pub(crate) has_subscriber: bool,
    pub(crate) span_level: LevelFilter,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) is_strict: bool,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) metrics: MetricsSetup,
    pub(crate) log_records: LogRecordsSetup,
    pub(crate) variables: Env,
}

impl TelemetryBuilder {
    pub(crate) fn new() -> Self {
        Self {
            service_name: None,
            package_name: None,
            attributes: Vec::new(),
            resource_detectors: None,
            propagator: None,
            exporters: Vec::new(),
            before_export: None,
            span_processors: Vec::new(),
            max_queue_bytes: None,
            sampler: None,
            log_format: LogFormat::default(),
            log_style: LogStyle::default(),
            log_writer: None,
            log_filter: None,
            layers: Vec::new(),
            additions: Additions::default(),
            has_subscriber: true,
            span_level: LevelFilter::INFO,
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            is_strict: false,
            config_file: None,
            metrics: MetricsSetup::default(),
            log_records: LogRecordsSetup::default(),
            variables: Env::from_process(),
        }
    }

    /// Sets the name of the service. It takes precedence over `OTEL_SERVICE_NAME`, which takes
    /// precedence over `service.name` in `OTEL_RESOURCE_ATTRIBUTES`, which takes precedence over
    /// [`package_name`](Self::package_name).
    ///
    /// One warning is logged if the environment sets another name. Omit it for a service that is
    /// named by its deployment.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// Sets the name of the service if nothing else does: `package_name(env!("CARGO_PKG_NAME"))`.
    pub fn package_name(mut self, name: impl Into<String>) -> Self {
        self.package_name = Some(name.into());
        self
    }

    /// Sets `service.version`.
    pub fn service_version(self, version: impl Into<String>) -> Self {
        self.resource_attribute(SERVICE_VERSION, version.into())
    }

    /// Sets `deployment.environment.name`, such as `production`.
    pub fn environment(self, name: impl Into<String>) -> Self {
        self.resource_attribute(ENVIRONMENT_NAME, name.into())
    }

    /// Sets a resource attribute. Takes precedence over the same key in `OTEL_RESOURCE_ATTRIBUTES`.
    pub fn resource_attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Selects the detectors of resource attributes. By default these are all but the command line.
    pub fn resource_detectors(mut self, detectors: ResourceDetectors) -> Self {
        self.resource_detectors = Some(detectors);
        self
    }

    /// Sets the propagator for context from and to other services. Takes precedence over
    /// `OTEL_PROPAGATORS`. The default is W3C Trace Context and W3C Baggage.
    ///
    /// ```
    /// use tracing_core_ext::propagation::CompositePropagator;
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .propagator("tracecontext,baggage,b3".parse::<CompositePropagator>()?)
    ///     .build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn propagator(mut self, propagator: impl Into<Propagator>) -> Self {
        self.propagator = Some(propagator.into());
        self
    }

    /// Sets the time limit of [`Telemetry::shutdown`](super::Telemetry::shutdown). The default is 5
    /// seconds. With metrics, the last quarter is reserved for them.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Turns warnings about environment variables into errors. The default is `false`: by the
    /// OpenTelemetry specification an invalid value is ignored with a warning.
    ///
    /// A setting without which nothing can be exported is always an error, as is an invalid
    /// argument in code.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// let error = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .variables(|name| (name == "OTEL_TRACES_SAMPLER").then(|| "always".to_owned()))
    ///     .strict(true)
    ///     .build()
    ///     .unwrap_err();
    /// assert!(error.to_string().starts_with("OTEL_TRACES_SAMPLER=\"always\": expected always_on, "));
    /// ```
    pub fn strict(mut self, is_strict: bool) -> Self {
        self.is_strict = is_strict;
        self
    }

    /// Reads the settings from this configuration file instead of from the environment. Takes
    /// precedence over `OTEL_CONFIG_FILE`. The [module](super#configuration-file) lists what it may
    /// contain.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_file = Some(path.into());
        self
    }

    /// Reads environment variables with this function instead of from the process.
    pub fn variables(
        mut self,
        lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.variables = Env::from_fn(lookup);
        self
    }
}

impl fmt::Debug for TelemetryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryBuilder")
            .field("service_name", &self.service_name)
            .field("package_name", &self.package_name)
            .field("attributes", &self.attributes)
            .field("propagator", &self.propagator)
            .field("log_format", &self.log_format)
            .field("span_level", &self.span_level)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .finish_non_exhaustive()
    }
}
