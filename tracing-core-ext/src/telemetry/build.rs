use opentelemetry_sdk::Resource;
use tracing::Dispatch;

use super::{
    builder::TelemetryBuilder,
    diagnostics::SetupSummary,
    log_format::LogLayerConfig,
    resource::{
        resource,
        service_name::{ServiceName, ServiceNameSources},
    },
    subscriber::subscriber,
    telemetry::Telemetry,
    traces::{Destination, Way},
};
#[cfg(any(feature = "otlp", feature = "prometheus"))]
use crate::export::self_metrics;
use crate::{
    base::{deferred_log, error::TelemetryError, self_log::SelfLog},
    config::{
        EnvConfig,
        batch::{BatchConfig, QUEUE_BYTES},
    },
    export::pipeline::Pipeline,
    propagation::Propagator,
    trace::{Sampler, TracerProvider},
};

/// All that a service needs, ready to be installed.
pub(crate) struct BuiltTelemetry {
    pub(crate) telemetry: Telemetry,
    /// None if the service has one of its own.
    pub(crate) dispatch: Option<Dispatch>,
    pub(crate) summary: SetupSummary,
}

impl TelemetryBuilder {
    /// Makes everything and installs nothing.
    pub(crate) fn prepare(mut self) -> Result<BuiltTelemetry, TelemetryError> {
        let mut environment = EnvConfig::read(&self.variables)?;
        self.check_queue(&mut environment.batch)?;
        let propagator = self.propagator.take().or(environment.propagator.take());
        let propagator = propagator.unwrap_or_else(Propagator::w3c);
        let lines = self.log_layer_config(&environment);
        let log_filter = self.choose_log_filter(environment.log_filter.take())?;
        let layers = std::mem::take(&mut self.layers);
        let has_subscriber = self.has_subscriber;
        let sampler = self.sampler.take().or(environment.sampler.take());
        let sampler = sampler.unwrap_or_else(|| Sampler::parent_based(Sampler::always_on()));
        let summary = self.setup_summary(&environment, &sampler);
        if environment.is_disabled {
            let telemetry = self.disabled(propagator, &environment)?;
            let dispatch = has_subscriber.then(|| subscriber(None, layers, lines, log_filter));
            dispatch.iter().for_each(|dispatch| telemetry.log_to(dispatch));
            return Ok(BuiltTelemetry { telemetry, dispatch, summary });
        }
        let span_level = self.span_level;
        let (telemetry, service) = self.enabled(propagator, sampler, &environment)?;
        let exported = Some((telemetry.tracer_provider(), span_level));
        let dispatch = has_subscriber.then(|| subscriber(exported, layers, lines, log_filter));
        dispatch.iter().for_each(|dispatch| telemetry.log_to(dispatch));
        match has_subscriber {
            true => telemetry.log.log(|| service.warn_overridden()),
            false => deferred_log::log(move || service.warn_overridden()),
        }
        Ok(BuiltTelemetry { telemetry, dispatch, summary })
    }

    fn setup_summary(&self, environment: &EnvConfig, sampler: &Sampler) -> SetupSummary {
        let in_environment = environment.exporters.as_ref().map(Vec::len);
        let in_environment = in_environment.or(environment.names_an_endpoint().then_some(1));
        let in_code = Some(self.destinations.len()).filter(|exporters| *exporters > 0);
        SetupSummary {
            is_disabled: environment.is_disabled,
            exporters: in_code.or(in_environment),
            overridden: in_code.and_then(|_| self.overridden(environment)),
            idle_sampler: sampler.starts_no_trace().then(|| format!("{sampler:?}")),
            span_level: self.span_level,
            unused: self.variables.unused(),
        }
    }

    /// What of the environment would have named an exporter, had code not named another.
    fn overridden(&self, environment: &EnvConfig) -> Option<&'static str> {
        let listed = environment.exporters.as_ref().map(|_| "OTEL_TRACES_EXPORTER");
        let sends = self.destinations.iter().any(Destination::heeds_the_environment);
        let has_endpoint = !sends && environment.traces.endpoint.is_some();
        listed.or(has_endpoint.then_some("OTEL_EXPORTER_OTLP_ENDPOINT"))
    }

    fn enabled(
        mut self,
        propagator: Propagator,
        sampler: Sampler,
        environment: &EnvConfig,
    ) -> Result<(Telemetry, ServiceName), TelemetryError> {
        let service = self.choose_name(environment)?;
        let attributes = std::mem::take(&mut self.attributes);
        let resource = resource(&service.name, &environment.resource_attributes, attributes);
        let pipelines = self.pipelines(&service.name, &resource, environment)?;
        let provider = self.provider(resource.clone(), sampler, environment, &pipelines);
        #[cfg(any(feature = "otlp", feature = "prometheus"))]
        let metrics = self.metrics.start(&resource, &environment.metrics)?;
        #[cfg(any(feature = "otlp", feature = "prometheus"))]
        if let Some(metrics) = &metrics {
            self_metrics::observe(metrics.provider(), &pipelines);
        }
        let telemetry = Telemetry {
            provider,
            propagator,
            pipelines,
            #[cfg(any(feature = "otlp", feature = "prometheus"))]
            metrics,
            log: SelfLog::default(),
            timeout: self.shutdown_timeout,
            watch: None,
            is_shut_down: false,
        };
        Ok((telemetry, service))
    }

    fn pipelines(
        &mut self,
        service_name: &str,
        resource: &Resource,
        environment: &EnvConfig,
    ) -> Result<Vec<Pipeline>, TelemetryError> {
        let mut destinations = std::mem::take(&mut self.destinations);
        if destinations.is_empty() {
            destinations = Destination::of_environment(environment);
        }
        let way = Way {
            service_name,
            resource,
            environment,
            hook: self.before_export.as_ref(),
            shutdown_timeout: self.shutdown_timeout,
        };
        destinations.into_iter().map(|destination| destination.pipeline(&way)).collect()
    }

    /// A disabled provider makes no spans, and what an exchange gets from its caller flows through.
    fn disabled(
        self,
        propagator: Propagator,
        environment: &EnvConfig,
    ) -> Result<Telemetry, TelemetryError> {
        let provider = TracerProvider::disabled();
        #[cfg(any(feature = "otlp", feature = "prometheus"))]
        let metrics = {
            let name = self.choose_name(environment).map_or(String::new(), |service| service.name);
            let resource = resource(&name, &environment.resource_attributes, self.attributes);
            self.metrics.start_disabled(&resource, &environment.metrics)?
        };
        #[cfg(not(any(feature = "otlp", feature = "prometheus")))]
        let _ = environment;
        Ok(Telemetry {
            provider,
            propagator,
            pipelines: Vec::new(),
            #[cfg(any(feature = "otlp", feature = "prometheus"))]
            metrics,
            log: SelfLog::default(),
            timeout: self.shutdown_timeout,
            watch: None,
            is_shut_down: false,
        })
    }

    fn choose_name(&self, environment: &EnvConfig) -> Result<ServiceName, TelemetryError> {
        ServiceName::resolve(&ServiceNameSources {
            code: self.service_name.as_deref(),
            variable: environment.service_name.as_deref(),
            resource: environment.service_name_in_resource.as_deref(),
            package: self.package_name.as_deref(),
        })
    }

    fn log_layer_config(&mut self, environment: &EnvConfig) -> LogLayerConfig {
        let service = self.choose_name(environment).ok();
        LogLayerConfig {
            format: self.log_format,
            style: std::mem::take(&mut self.log_style),
            writer: self.log_writer.take(),
            no_color: environment.no_color,
            service_name: service.map(|service| service.name),
        }
    }

    /// Processors of users come first: their shutdown must not wait for an exporter.
    fn provider(
        &mut self,
        resource: Resource,
        sampler: Sampler,
        environment: &EnvConfig,
        pipelines: &[Pipeline],
    ) -> TracerProvider {
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
        builder.build()
    }

    /// Sets the limits of the queues that code has.
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
