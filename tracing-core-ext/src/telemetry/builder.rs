use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::{ShouldSample, SpanData, SpanExporter, SpanProcessor};
use tracing_subscriber::{filter::LevelFilter, fmt::writer::BoxMakeWriter};

#[cfg(any(feature = "otlp", feature = "prometheus"))]
use super::metrics::MetricsOptions;
use super::{
    log_format::{LogFormat, LogStyle},
    resource::{ENVIRONMENT_NAME, SERVICE_VERSION},
    subscriber::BoxLayer,
    traces::Destination,
};
#[cfg(feature = "jaeger")]
use crate::export::jaeger::JaegerEndpoint;
#[cfg(feature = "otlp")]
use crate::export::otlp::Otlp;
#[cfg(feature = "prometheus")]
use crate::export::prometheus::Prometheus;
use crate::{
    config::env::Env,
    export::{console::Console, pipeline::hook::SpanHook},
    propagation::Propagator,
    trace::Sampler,
};

const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Set-up of a service, made by [`Telemetry::builder`](super::Telemetry::builder).
///
/// What is said here beats what the environment says. An empty variable counts as unset.
#[must_use = "nothing happens before install() or build()"]
pub struct TelemetryBuilder {
    pub(crate) service_name: Option<String>,
    pub(crate) package_name: Option<String>,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) propagator: Option<Propagator>,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) before_export: Option<SpanHook>,
    pub(crate) span_processors: Vec<Box<dyn SpanProcessor>>,
    pub(crate) max_queue_bytes: Option<usize>,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) log_format: LogFormat,
    pub(crate) log_style: LogStyle,
    pub(crate) log_writer: Option<BoxMakeWriter>,
    pub(crate) log_filter: Option<String>,
    pub(crate) layers: Vec<BoxLayer>,
    /// Whether a subscriber is made.
    pub(crate) has_subscriber: bool,
    pub(crate) span_level: LevelFilter,
    pub(crate) shutdown_timeout: Duration,
    #[cfg(any(feature = "otlp", feature = "prometheus"))]
    pub(crate) metrics: MetricsOptions,
    pub(crate) variables: Env,
}

impl TelemetryBuilder {
    pub(crate) fn new() -> Self {
        Self {
            service_name: None,
            package_name: None,
            attributes: Vec::new(),
            propagator: None,
            destinations: Vec::new(),
            before_export: None,
            span_processors: Vec::new(),
            max_queue_bytes: None,
            sampler: None,
            log_format: LogFormat::default(),
            log_style: LogStyle::default(),
            log_writer: None,
            log_filter: None,
            layers: Vec::new(),
            has_subscriber: true,
            span_level: LevelFilter::INFO,
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            #[cfg(any(feature = "otlp", feature = "prometheus"))]
            metrics: MetricsOptions::default(),
            variables: Env::from_process(),
        }
    }

    /// Names the service. Beats `OTEL_SERVICE_NAME`, which beats `service.name` in
    /// `OTEL_RESOURCE_ATTRIBUTES`, which beats [`package_name`](Self::package_name).
    ///
    /// When the environment says something else, one log line tells so. Leave it out for a
    /// service that is to be named by its deployment.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// Names the service where nothing else does: `package_name(env!("CARGO_PKG_NAME"))`.
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

    /// Sets an attribute every span of this service is exported with. Beats the same key in
    /// `OTEL_RESOURCE_ATTRIBUTES`.
    pub fn resource_attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Carries context from and to other services by this propagator. Beats `OTEL_PROPAGATORS`.
    /// W3C Trace Context and W3C Baggage where nothing else is said.
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

    /// Prints spans on standard output. [`Console::new`], a waterfall for each trace, is what happens anyway when
    /// neither code nor environment names an exporter.
    ///
    /// Spans go to every exporter that code asks for; those of the environment are left alone then.
    pub fn console(mut self, console: Console) -> Self {
        self.destinations.push(Destination::Console(console));
        self
    }

    /// Exports to Jaeger: to an agent over UDP, or to a collector over HTTP. What is said here beats
    /// `OTEL_EXPORTER_JAEGER_AGENT_HOST` and `OTEL_EXPORTER_JAEGER_ENDPOINT`.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::{JaegerEndpoint, Telemetry};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .jaeger(JaegerEndpoint::agent("localhost:6831")?)
    ///     .build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "jaeger")]
    pub fn jaeger(mut self, endpoint: JaegerEndpoint) -> Self {
        self.destinations.push(Destination::Jaeger(Some(endpoint)));
        self
    }

    /// Exports over OTLP as these options say; metrics as well, where they are exported.
    ///
    /// Every call adds an exporter of spans; for metrics the last one counts.
    #[cfg(feature = "otlp")]
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.metrics.otlp = otlp.clone();
        self.destinations.push(Destination::Otlp(Box::new(otlp)));
        self
    }

    /// Exports over OTLP to the collector at this URL. Beats `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    ///
    /// By `OTEL_EXPORTER_OTLP_PROTOCOL`, over HTTP as protobuf where it says nothing. Over HTTP `/v1/traces` is appended.
    /// [`otlp`](Self::otlp) has more options.
    #[cfg(feature = "otlp")]
    pub fn otlp_endpoint(self, url: impl Into<String>) -> Self {
        self.otlp(Otlp::at("otlp_endpoint()", url.into()))
    }

    /// Exports through this exporter. It is called on a thread of its own.
    pub fn exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.destinations.push(Destination::own(exporter));
        self
    }

    /// Calls this function for each span before it is exported, for example to remove personal data. It may change the span,
    /// and returns whether the span is exported. It runs on the threads that export, once for each exporter, so requests do
    /// not wait for it. [`span_processor`](Self::span_processor) receives spans without it.
    ///
    /// A span that it removes is not counted as lost. If it panics, the span is not exported, because it may still contain
    /// the data: it is counted as lost, and a log line has the message.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .before_export(|span| {
    ///         span.attributes.retain(|attribute| attribute.key.as_str() != "user.email");
    ///         span.name != "GET /health"
    ///     })
    ///     .build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn before_export(
        mut self,
        hook: impl Fn(&mut SpanData) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.before_export = Some(Arc::new(hook));
        self
    }

    /// Adds a processor of the SDK. It receives the end of each span, on the thread that ends it. Its `on_start` is not
    /// called, because it requires a span of the SDK.
    pub fn span_processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.span_processors.push(Box::new(processor));
        self
    }

    /// Limits the memory of the spans that wait for each exporter, beside the number of `OTEL_BSP_MAX_QUEUE_SIZE`. Spans
    /// beyond it are counted as lost. The default is 64 MiB; a limit below 1 MiB is an error.
    pub fn max_queue_bytes(mut self, bytes: usize) -> Self {
        self.max_queue_bytes = Some(bytes);
        self
    }

    /// Serves metrics for Prometheus to scrape. `OTEL_METRICS_EXPORTER=prometheus` does so without code, by
    /// [`Prometheus::new`].
    ///
    /// ```
    /// use opentelemetry::metrics::MeterProvider;
    /// use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .prometheus(Prometheus::new().listen_on(([127, 0, 0, 1], 0)))
    ///     .build()?;
    ///
    /// let meter = telemetry.meter_provider().expect("Prometheus was asked for").meter("shop");
    /// meter.u64_counter("shop.orders").build().add(1, &[]);
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "prometheus")]
    pub fn prometheus(mut self, prometheus: Prometheus) -> Self {
        self.metrics.prometheus = Some(prometheus);
        self
    }

    /// Exports metrics over OTLP as `OTEL_METRICS_EXPORTER=otlp` does: by the options of [`otlp`](Self::otlp) and
    /// [`otlp_endpoint`](Self::otlp_endpoint), else as the environment says, else to `http://localhost:4318`. Prometheus may
    /// scrape them as well.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .otlp_endpoint("http://localhost:4318")
    ///     .otlp_metrics()
    ///     .build()?;
    /// assert!(telemetry.meter_provider().is_some());
    /// # drop(telemetry);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "otlp")]
    pub fn otlp_metrics(mut self) -> Self {
        self.metrics.has_otlp = true;
        self
    }

    /// Decides which spans are recorded. Beats `OTEL_TRACES_SAMPLER`. Where nothing is said a span is recorded if its parent
    /// is, and every trace that begins here.
    ///
    /// ```
    /// use tracing_core_ext::{telemetry::Telemetry, trace::Sampler};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let one_in_a_hundred = Sampler::parent_based(Sampler::trace_id_ratio(0.01));
    /// let (telemetry, _subscriber) =
    ///     Telemetry::builder().service_name("checkout").sampler(one_in_a_hundred).build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.sampler = Some(Sampler::custom(sampler));
        self
    }

    /// How long [`Telemetry::shutdown`](super::Telemetry::shutdown) may take. 5 seconds unless told otherwise. Where there are metrics, the last quarter
    /// is kept for them.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Looks environment variables up with this function instead of in the process.
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

#[cfg(test)]
mod tests;
