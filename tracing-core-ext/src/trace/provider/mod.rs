//! The tracer provider: sampler, limits, resource and processors, all with known types.

pub(crate) mod id_generator;
#[cfg(feature = "testing")]
pub(crate) mod observer;
#[cfg(not(feature = "testing"))]
#[path = "observer/off.rs"]
mod observer;
pub(crate) mod processor;
pub(crate) mod state;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use opentelemetry::{
    InstrumentationScope,
    trace::{self, SpanContext},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        IdGenerator, ShouldSample, SimpleSpanProcessor, SpanExporter, SpanLimits, SpanProcessor,
    },
};

use self::{
    observer::Observer,
    processor::{EndOnlyProcessor, RecordProcessor},
    state::{ProviderState, SHUTDOWN_TIMEOUT},
};
use super::{
    retention::held_traces::{HeldCounts, HeldTraces},
    sampler::{current::CurrentSampler, sampler::Sampler},
    tracer::Tracer,
};
use crate::{
    logs::{ExceptionLog, LogRecord, Logger},
    semconv::FactLimits,
};

/// Creates tracers whose spans are recorded by this crate.
///
/// It implements OpenTelemetry's [`TracerProvider`](trace::TracerProvider) and exports the same data as the SDK:
/// attributes, limits, counts of dropped items, events, links and status. Middlewares and clients that are built with
/// it record facts, which the export thread turns into attributes. [`Telemetry`](crate::telemetry::Telemetry) builds
/// and installs one.
///
/// Processors of the SDK receive the end of each span. Their `on_start` is not called.
///
/// ```
/// use opentelemetry::trace::{Tracer, TracerProvider as _};
/// use opentelemetry_sdk::trace::InMemorySpanExporter;
/// use tracing_core_ext::trace::TracerProvider;
///
/// let exporter = InMemorySpanExporter::default();
/// let provider = TracerProvider::builder().with_simple_exporter(exporter.clone()).build();
/// provider.tracer("checkout").in_span("pay", |_| {});
/// assert_eq!(exporter.get_finished_spans().unwrap()[0].name, "pay");
/// ```
#[derive(Clone)]
pub struct TracerProvider {
    inner: Arc<ProviderState>,
}

/// Builder of a [`TracerProvider`].
#[derive(Debug)]
#[must_use = "build() makes the provider"]
pub struct TracerProviderBuilder {
    sampler: Sampler,
    limits: SpanLimits,
    value_length: Option<usize>,
    id_generator: Option<Box<dyn IdGenerator>>,
    processors: Vec<Box<dyn RecordProcessor>>,
    resource: Option<Resource>,
    exceptions: Option<ExceptionLog>,
    /// Test that receives the start and the end of every recorded span.
    pub(crate) observer: Observer,
    is_disabled: bool,
}

/// Whether the spans of a trace are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplingStatus {
    /// The spans are exported.
    Sampled,
    /// The spans are not exported.
    NotSampled,
    /// The end of the local root decides.
    Undecided,
}

impl TracerProvider {
    /// Returns a builder. The default sampler records a span if its parent is sampled or absent.
    pub fn builder() -> TracerProviderBuilder {
        TracerProviderBuilder {
            sampler: Sampler::parent_based(Sampler::always_on()),
            limits: SpanLimits::default(),
            value_length: None,
            id_generator: None,
            processors: Vec::new(),
            resource: None,
            exceptions: None,
            observer: Observer::NONE,
            is_disabled: false,
        }
    }

    /// Returns a provider that records nothing. The context of a parent is propagated.
    pub(crate) fn disabled() -> Self {
        TracerProviderBuilder { is_disabled: true, ..Self::builder() }.build()
    }

    pub(crate) fn is_disabled(&self) -> bool {
        self.inner.is_disabled
    }

    /// Returns the resource that all spans are exported with.
    pub fn resource(&self) -> &Resource {
        &self.inner.resource
    }

    /// Returns the sampler that decides about spans that start now.
    pub fn sampler(&self) -> Sampler {
        self.inner.sampler.get().clone()
    }

    /// Replaces the sampler. It decides about all spans of this provider that start later; the decisions about spans
    /// that have started are not changed.
    ///
    /// ```
    /// use tracing_core_ext::trace::{Sampler, TracerProvider};
    ///
    /// let provider = TracerProvider::builder().build();
    /// provider.set_sampler(Sampler::always_off());
    /// assert_eq!(provider.sampler().to_string(), r#"{"always_off":{}}"#);
    /// ```
    pub fn set_sampler(&self, sampler: impl ShouldSample + 'static) {
        self.inner.sampler.set(Sampler::custom(sampler));
    }

    /// Returns whether the trace of a span of this provider is exported. It differs from the sampled flag of a span
    /// whose trace waits for a decision, as [`Sampler::retain`] documents.
    pub fn sampling_status(&self, span: &SpanContext) -> SamplingStatus {
        let held = self.inner.held.find(span.trace_id());
        match held.map_or(Some(span.is_sampled()), |trace| trace.decision()) {
            Some(true) => SamplingStatus::Sampled,
            Some(false) => SamplingStatus::NotSampled,
            None => SamplingStatus::Undecided,
        }
    }

    /// Emits a log record, after the decision about the trace of its span, which sets its sampled flag.
    pub(crate) fn emit(&self, logger: &Logger, record: LogRecord) {
        self.inner.held.emit(logger, record);
    }

    /// Discards the spans that wait for a decision, and emits the log records that do.
    pub(crate) fn discard_undecided(&self) {
        self.inner.export(self.inner.held.discard_undecided());
    }

    /// Returns a function that counts the spans that waited for a decision, as long as the provider exists. Spans that
    /// have waited for too long are discarded first.
    pub(crate) fn held_counts(&self) -> impl Fn() -> HeldCounts + Send + Sync + 'static {
        let provider = Arc::downgrade(&self.inner);
        move || {
            let Some(provider) = provider.upgrade() else { return HeldCounts::default() };
            provider.export(provider.held.expire_all());
            provider.held.counts()
        }
    }

    /// Returns the number of entries about traces that wait or have waited.
    #[cfg(test)]
    pub(crate) fn held_entries(&self) -> usize {
        self.inner.held.entries()
    }

    /// Exports all spans that ended before. The time limit of each exporter of `Telemetry` is 5
    /// seconds.
    ///
    /// # Errors
    ///
    /// If a processor fails. All processors are flushed in any case. `OTelSdkError::Timeout` means that spans still
    /// wait in the queue of an exporter, and not that they are lost: the export takes longer, or the backend requires a
    /// pause (`Retry-After`, `RetryInfo`). They are exported after the pause, or tried once at the shutdown. A
    /// rejection by a backend is no error of a flush; it is logged, and returned by the shutdown.
    pub fn force_flush(&self) -> OTelSdkResult {
        self.inner.export(self.inner.held.expire_all());
        self.inner.for_each(|processor| processor.force_flush())
    }

    /// Exports all spans that ended before and stops. Spans that start later are not recorded; the context of their
    /// parent is propagated. The time limit is 5 seconds.
    ///
    /// # Errors
    ///
    /// If a processor fails, or if the provider was shut down before.
    pub fn shutdown(&self) -> OTelSdkResult {
        self.shutdown_with_timeout(SHUTDOWN_TIMEOUT)
    }

    /// Shuts down within `timeout`.
    ///
    /// # Errors
    ///
    /// If a processor fails, or if the provider was shut down before.
    pub fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown(timeout)
    }

    pub(crate) fn tracer_with_scope(&self, scope: InstrumentationScope) -> Tracer {
        Tracer::new(Arc::clone(&self.inner), scope)
    }
}

impl trace::TracerProvider for TracerProvider {
    type Tracer = Tracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Tracer {
        Self::tracer_with_scope(self, scope)
    }
}

impl TracerProviderBuilder {
    /// Decides which spans are recorded.
    pub fn with_sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.sampler = Sampler::custom(sampler);
        self
    }

    /// Creates the IDs of traces and spans. The default creates random IDs.
    pub fn with_id_generator(mut self, generator: impl IdGenerator + 'static) -> Self {
        self.id_generator = Some(Box::new(generator));
        self
    }

    /// Limits the number of attributes, events and links.
    pub fn with_span_limits(mut self, limits: SpanLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Truncates string values to this number of characters.
    pub fn with_attribute_value_length_limit(mut self, limit: usize) -> Self {
        self.value_length = Some(limit);
        self
    }

    /// Sets the resource that spans are exported with.
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Adds a processor that receives the end of each span. Its `on_start` is not called.
    pub fn with_span_processor(self, processor: impl SpanProcessor + 'static) -> Self {
        self.with_boxed_span_processor(Box::new(processor))
    }

    pub(crate) fn with_boxed_span_processor(self, processor: Box<dyn SpanProcessor>) -> Self {
        self.with_record_processor(EndOnlyProcessor(processor))
    }

    /// Exports each span on the thread that ends it, for tests and examples.
    pub fn with_simple_exporter(self, exporter: impl SpanExporter + 'static) -> Self {
        self.with_span_processor(SimpleSpanProcessor::new(exporter))
    }

    pub(crate) fn with_record_processor(
        mut self,
        processor: impl RecordProcessor + 'static,
    ) -> Self {
        self.processors.push(Box::new(processor));
        self
    }

    /// Emits the exceptions of spans as log records.
    pub(crate) fn with_exception_log(mut self, exceptions: ExceptionLog) -> Self {
        self.exceptions = Some(exceptions);
        self
    }

    /// Makes the provider.
    pub fn build(self) -> TracerProvider {
        let resource = self.resource.unwrap_or_else(|| Resource::builder().build());
        let mut processors = self.processors;
        processors.iter_mut().for_each(|processor| processor.set_resource(&resource));
        let facts = FactLimits {
            count: self.limits.max_attributes_per_span,
            value_length: self.value_length,
        };
        let inner = ProviderState {
            sampler: CurrentSampler::new(self.sampler),
            held: HeldTraces::default(),
            limits: self.limits,
            facts,
            id_generator: self.id_generator,
            processors,
            resource,
            exceptions: self.exceptions,
            observer: self.observer,
            is_shut_down: AtomicBool::new(self.is_disabled),
            is_disabled: self.is_disabled,
        };
        TracerProvider { inner: Arc::new(inner) }
    }
}

impl fmt::Debug for TracerProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracerProvider")
            .field("sampler", &self.inner.sampler)
            .field("limits", &self.inner.limits)
            .field("processors", &self.inner.processors)
            .finish_non_exhaustive()
    }
}
