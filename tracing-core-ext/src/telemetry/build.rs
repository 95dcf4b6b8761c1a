//! Builds the telemetry that code and environment have configured.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use tracing::Dispatch;

use super::{
    builder::TelemetryBuilder,
    diagnostics::{
        IgnoredVariables, SetupSummary,
        settings::{Settings, resource_texts, settings},
    },
    log_format::LogLayerConfig,
    metrics::Metrics,
    resource::{
        detect::{self, System},
        resource,
        service_name::{ServiceName, ServiceNameSources},
    },
    subscriber::subscriber,
    telemetry::{Telemetry, log_records::LogRecords},
};
use crate::{
    base::{deferred_log, error::TelemetryError},
    config::{
        Config,
        batch::{BatchConfig, QUEUE_BYTES},
        control::Control,
        env::findings::Findings,
        log_filter::{LogFilter, LogFilterHandle},
        logs::EXCEPTION_SIGNAL,
        resource::{Detection, detectors::ResourceDetectors},
    },
    export::{
        delivery::{SetUp, StatusSource, self_metrics},
        pipeline::{Pipeline, context::PipelineContext},
    },
    logs::ExceptionLog,
    propagation::Propagator,
    trace::{Sampler, TracerProvider, TracerProviderBuilder},
};

/// Providers, subscriber and pipelines of a service, ready to be installed.
pub(crate) struct BuiltTelemetry {
    pub(crate) telemetry: Telemetry,
    /// `None` if the service has its own subscriber.
    pub(crate) dispatch: Option<Dispatch>,
    pub(crate) summary: SetupSummary,
}

impl TelemetryBuilder {
    /// Reads all settings as [`install`](Self::install) does, starts nothing, and returns the
    /// warnings about them. Files that settings name are not opened, except a configuration file.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let warnings = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .variables(|name| (name == "OTEL_TRACES_EXPORTER").then(|| "otpl".to_owned()))
    ///     .check()?;
    /// assert!(warnings[0].ends_with("did you mean otlp?; it is ignored"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If a setting in code, in the environment or in the configuration file cannot be used.
    pub fn check(mut self) -> Result<Vec<String>, TelemetryError> {
        let findings = Findings::strict(self.is_strict);
        let variables = self.variables.with_findings(findings);
        let mut config = Config::read_file_or_environment(self.config_file.as_deref(), &variables)?;
        self.check_attributes()?;
        self.check_queue(&mut config.batch)?;
        let log_filter = config.log_filter.take();
        self.choose_log_filter(log_filter)?;
        if !config.is_disabled {
            self.choose_name(&config)?;
        }
        Ok(config.findings.take().iter().map(ToString::to_string).collect())
    }

    /// Builds everything, and installs nothing.
    pub(crate) fn prepare(mut self) -> Result<BuiltTelemetry, TelemetryError> {
        let findings = Findings::strict(self.is_strict);
        let variables = self.variables.with_findings(findings);
        let mut environment =
            Config::read_file_or_environment(self.config_file.as_deref(), &variables)?;
        self.check_attributes()?;
        self.check_queue(&mut environment.batch)?;
        let propagator = self.propagator.take();
        let propagator = propagator.unwrap_or_else(|| environment.propagator.clone());
        let lines = self.log_layer_config(&environment);
        let log_filter = self.choose_log_filter(environment.log_filter.take())?;
        let filter = log_filter.handle();
        let mut layers = std::mem::take(&mut self.layers);
        let has_subscriber = self.has_subscriber;
        let sampler = self.sampler.take().unwrap_or_else(|| environment.sampler.clone());
        let sampler = std::mem::take(&mut environment.sampling_rules).before(sampler)?;
        let mut summary = self.setup_summary(&environment, &sampler);
        let settings = settings(&self, &environment, &propagator);
        if environment.is_disabled {
            let telemetry = self.disabled(propagator, &environment, filter, settings)?;
            let dispatch =
                has_subscriber.then(|| subscriber(None, layers, lines, log_filter, None));
            dispatch.iter().for_each(|dispatch| telemetry.log_to(dispatch));
            summary.findings = environment.findings.take();
            return Ok(BuiltTelemetry { telemetry, dispatch, summary });
        }
        layers.append(&mut self.additions.layers);
        let export_filter = self.log_records.choose_filter(&log_filter)?;
        let notices = std::mem::take(&mut self.additions.notices);
        let span_level = self.span_level;
        let (telemetry, service) =
            self.enabled(propagator, sampler, &environment, (filter, export_filter), settings)?;
        let exported = Some((telemetry.tracer_provider(), span_level));
        let records = telemetry.log_records.source(telemetry.tracer_provider());
        let dispatch =
            has_subscriber.then(|| subscriber(exported, layers, lines, log_filter, records));
        dispatch.iter().for_each(|dispatch| telemetry.log_to(dispatch));
        let report = move || {
            service.warn_overridden();
            notices.into_iter().for_each(|notice| notice());
        };
        match has_subscriber {
            true => telemetry.log.log(report),
            false => deferred_log::log(report),
        }
        summary.findings = environment.findings.take();
        Ok(BuiltTelemetry { telemetry, dispatch, summary })
    }

    fn setup_summary(&self, environment: &Config, sampler: &Sampler) -> SetupSummary {
        let in_environment = environment.exporters.as_ref().map(Vec::len);
        let in_environment = in_environment.or(environment.has_endpoint().then_some(1));
        let in_code = Some(self.exporters.len()).filter(|exporters| *exporters > 0);
        SetupSummary {
            is_disabled: environment.is_disabled,
            exporters: in_code.or(in_environment),
            overridden: in_code.and_then(|_| self.overridden(environment)),
            idle_sampler: sampler.starts_no_trace().then(|| format!("{sampler:?}")),
            span_level: self.span_level,
            unused: match &environment.file {
                Some(_) => Vec::new(),
                None => self.variables.unused(),
            },
            ignored: environment.file.as_ref().map(|file| IgnoredVariables {
                file: file.name.clone(),
                names: self.variables.opentelemetry_except(&file.variables),
            }),
            findings: Vec::new(),
        }
    }

    /// Returns the variable that sets an exporter, if exporters in code override it.
    fn overridden(&self, environment: &Config) -> Option<&'static str> {
        let listed = environment.exporters.as_ref();
        let listed = match &environment.file {
            Some(_) => listed?.first().map(|export| export.setting),
            None => listed.map(|_| "OTEL_TRACES_EXPORTER"),
        };
        let reads = self.exporters.iter().any(|exporter| exporter.reads_environment());
        let has_endpoint = !reads && environment.otlp.endpoint.is_some();
        listed.or(has_endpoint.then_some("OTEL_EXPORTER_OTLP_ENDPOINT"))
    }

    fn enabled(
        mut self,
        propagator: Propagator,
        sampler: Sampler,
        environment: &Config,
        (filter, export_filter): (LogFilterHandle, LogFilter),
        mut settings: Settings,
    ) -> Result<(Telemetry, ServiceName), TelemetryError> {
        let service = self.choose_name(environment)?;
        let attributes = std::mem::take(&mut self.attributes);
        let detected = self.detect(environment);
        let configured = environment.resource.attributes.clone();
        let resource = resource(&service.name, detected, configured, attributes);
        let hook = self.before_export.take();
        let mut log_records = std::mem::take(&mut self.log_records);
        let log_hook = log_records.hook.take();
        let context = PipelineContext {
            service_name: &service.name,
            resource: &resource,
            config: environment,
            hook: hook.as_ref(),
            log_hook: log_hook.as_ref(),
            shutdown_timeout: self.shutdown_timeout,
        };
        let pipelines = self.start_pipelines(&context)?;
        let log_records =
            LogRecords::new(log_records.start(&context)?, &export_filter, environment);
        let exceptions = exception_log(&log_records, environment)?;
        let mut provider = self.provider(resource.clone(), sampler, environment, &pipelines);
        if let Some(exceptions) = exceptions {
            provider = provider.with_exception_log(exceptions);
        }
        let provider = provider.build();
        let metrics = std::mem::take(&mut self.metrics).start(&resource, environment)?;
        if let Some(metrics) = &metrics {
            let states = pipelines.iter().map(|pipeline| pipeline.state().clone());
            self_metrics::observe(metrics.provider(), states.chain(log_records.states()));
            self_metrics::observe_held(metrics.provider(), provider.held_counts());
        }
        settings.insert("OTEL_SERVICE_NAME", service.name.clone());
        let states = pipelines.iter().map(|pipeline| pipeline.state().clone());
        let set_up = SetUp {
            settings,
            resource: resource_texts(&resource),
            exporters: states.chain(log_records.states()).collect(),
        };
        let mut telemetry =
            self.telemetry(provider, propagator, pipelines, metrics, filter, set_up);
        telemetry.log_records = log_records;
        Ok((telemetry, service))
    }

    /// Detects resource attributes, with the detectors of code, or else those of the file.
    fn detect(&self, environment: &Config) -> Vec<KeyValue> {
        let system = System::new(self.variables.clone());
        match (self.resource_detectors, &environment.resource.detection) {
            (Some(detectors), _) => detect::detect(detectors, &system),
            (None, None) => detect::detect(ResourceDetectors::default(), &system),
            (None, Some(Detection { detectors, keys })) => {
                let mut found = detect::detect(*detectors, &system);
                found.retain(|found| keys.matches(found.key.as_str()));
                found
            }
        }
    }

    /// Builds a provider that records no spans. Context is still propagated.
    fn disabled(
        mut self,
        propagator: Propagator,
        environment: &Config,
        filter: LogFilterHandle,
        settings: Settings,
    ) -> Result<Telemetry, TelemetryError> {
        let name = self.choose_name(environment).map_or(String::new(), |service| service.name);
        let attributes = std::mem::take(&mut self.attributes);
        let configured = environment.resource.attributes.clone();
        let resource = resource(&name, Vec::new(), configured, attributes);
        let metrics = std::mem::take(&mut self.metrics).start_disabled(&resource, environment)?;
        let set_up = SetUp { settings, resource: resource_texts(&resource), exporters: Vec::new() };
        let provider = TracerProvider::disabled();
        Ok(self.telemetry(provider, propagator, Vec::new(), metrics, filter, set_up))
    }

    fn telemetry(
        &self,
        provider: TracerProvider,
        propagator: Propagator,
        pipelines: Vec<Pipeline>,
        metrics: Option<Metrics>,
        filter: LogFilterHandle,
        mut set_up: SetUp,
    ) -> Telemetry {
        let control = Control::new(filter, &provider);
        set_up.exporters.extend(metrics.iter().flat_map(Metrics::states));
        let status = Arc::new(StatusSource::new(control.clone(), set_up));
        metrics.iter().for_each(|metrics| metrics.set_control(&control, &status));
        Telemetry {
            provider,
            propagator,
            pipelines,
            log_records: LogRecords::none(),
            metrics,
            log: control.log().clone(),
            control,
            status,
            timeout: self.shutdown_timeout,
            watch: None,
            is_shut_down: false,
        }
    }

    fn choose_name(&self, environment: &Config) -> Result<ServiceName, TelemetryError> {
        ServiceName::resolve(&ServiceNameSources {
            code: self.service_name.as_deref(),
            file: environment.resource.file_service_name.as_deref(),
            variable: environment.resource.service_name.as_deref(),
            resource: environment.resource.service_name_attribute.as_deref(),
            package: self.package_name.as_deref(),
        })
    }

    fn log_layer_config(&mut self, environment: &Config) -> LogLayerConfig {
        let service = self.choose_name(environment).ok();
        LogLayerConfig {
            format: self.log_format,
            style: std::mem::take(&mut self.log_style),
            writer: self.log_writer.take(),
            no_color: environment.no_color,
            service_name: service.map(|service| service.name),
        }
    }

    /// Processors of users come first, so that their shutdown does not wait for an exporter.
    fn provider(
        &mut self,
        resource: Resource,
        sampler: Sampler,
        environment: &Config,
        pipelines: &[Pipeline],
    ) -> TracerProviderBuilder {
        let limits = &environment.limits;
        let mut builder = TracerProvider::builder()
            .with_resource(resource)
            .with_sampler(sampler)
            .with_span_limits(limits.counts);
        if let Some(limit) = limits.value {
            builder = builder.with_attribute_value_length_limit(limit);
        }
        for processor in std::mem::take(&mut self.span_processors) {
            builder = builder.with_boxed_span_processor(processor);
        }
        for pipeline in pipelines {
            builder = builder.with_record_processor(pipeline.clone());
        }
        builder
    }

    /// Returns the filter of `RUST_LOG`, or else of code, or else the default. The one in code is
    /// always checked.
    fn choose_log_filter(
        &mut self,
        variable: Option<LogFilter>,
    ) -> Result<LogFilter, TelemetryError> {
        let code = self.log_filter.take();
        let code = code.map(|directives| LogFilter::parse("log_filter()", directives));
        match (variable, code.transpose()?) {
            (Some(filter), _) | (None, Some(filter)) => Ok(filter),
            (None, None) => Ok(LogFilter::default()),
        }
    }

    /// Refuses attributes without a key.
    fn check_attributes(&self) -> Result<(), TelemetryError> {
        match self.attributes.iter().find(|attribute| attribute.key.as_str().is_empty()) {
            Some(attribute) => {
                let value = format!("={}", attribute.value);
                let expected = "an attribute with a key";
                Err(TelemetryError::setting("resource_attribute()", value, expected))
            }
            None => Ok(()),
        }
    }

    /// Applies the queue limit that is set in code.
    fn check_queue(&self, batch: &mut BatchConfig) -> Result<(), TelemetryError> {
        let Some(bytes) = self.max_queue_bytes else { return Ok(()) };
        if !QUEUE_BYTES.contains(&bytes) {
            let expected = format!("{} to {} bytes", QUEUE_BYTES.start(), QUEUE_BYTES.end());
            return Err(TelemetryError::setting("max_queue_bytes()", bytes.to_string(), expected));
        }
        batch.max_bytes = bytes;
        Ok(())
    }
}

/// Returns the log of exceptions, if they are log records. Without an exporter of log records they
/// stay span events, because they would be lost.
fn exception_log(
    log_records: &LogRecords,
    environment: &Config,
) -> Result<Option<ExceptionLog>, TelemetryError> {
    let signal = environment.logs.exceptions;
    let log = log_records.exception_log(signal);
    match (signal.as_str(), &log) {
        (Some(value), None) => {
            let expected = "an exporter of log records beside it, such as OTEL_LOGS_EXPORTER=otlp";
            environment.findings.ignore(TelemetryError::setting(EXCEPTION_SIGNAL, value, expected))
        }
        _ => Ok(log),
    }
}
