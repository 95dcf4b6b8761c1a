use std::{
    fmt,
    marker::PhantomData,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::{KeyValue, SpanId, TraceId};
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider, trace::IdGenerator};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, registry::LookupSpan};

use super::{
    recorded::{
        Recorded,
        receiver::{Receiver, TIMEOUT},
    },
    scope::Scope,
    subscriber,
};
use crate::{
    exchange::instrumentation::test_scope::{EnteredTest, TestProviders, TestScope},
    propagation::Propagator,
    trace::clock::test_clock::TestClock,
    trace::{Sampler, TracerProvider, provider::observer::Observer},
};

/// The telemetry of one test.
///
/// While it exists the thread belongs to the test: middlewares and clients that are built on it, spans and events of
/// `tracing`, and measurements arrive here, and nothing global is changed. Handlers below such a middleware, on any
/// thread, and tasks in a span of the test belong to it as well. A [`Scope`] makes other threads and tasks belong to it.
///
/// It dereferences to [`Recorded`], which has the expectations.
pub struct Traces {
    receiver: Receiver,
    scope: TestScope,
    span_level: LevelFilter,
    _entered: EnteredTest,
    /// The thread that belongs to the test must not change.
    not_send: PhantomData<*const ()>,
}

/// Options of [`Traces`].
#[derive(Debug)]
#[must_use = "start() begins the test"]
pub struct TracesBuilder {
    service: String,
    timeout: Duration,
    sampler: Sampler,
    propagator: Propagator,
    span_level: LevelFilter,
    is_deterministic: bool,
}

impl Traces {
    /// Makes this thread belong to a new test.
    #[expect(clippy::new_without_default, reason = "it changes the state of the thread")]
    pub fn new() -> Self {
        Self::builder().start()
    }

    /// Returns the options of a test.
    pub fn builder() -> TracesBuilder {
        TracesBuilder {
            service: "test".to_owned(),
            timeout: TIMEOUT,
            sampler: Sampler::parent_based(Sampler::always_on()),
            propagator: Propagator::w3c(),
            span_level: LevelFilter::INFO,
            is_deterministic: false,
        }
    }

    /// Returns a handle by which other threads and tasks belong to the test.
    pub fn scope(&self) -> Scope {
        Scope::new(self.scope.clone())
    }

    /// Returns the tracer provider of the test, for code that takes one.
    pub fn tracer_provider(&self) -> &TracerProvider {
        &self.scope.providers.tracer_provider
    }

    /// Returns the meter provider of the test, for code that takes one.
    pub fn meter_provider(&self) -> &SdkMeterProvider {
        &self.scope.providers.meter_provider
    }

    /// Returns the processor and exporter through which the spans of another provider arrive here, such as one of the SDK,
    /// or [`Telemetry`](crate::telemetry::Telemetry) of the service under test. It can be sent to other threads.
    pub const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Returns the layer for a `tracing` subscriber of the service under test: its spans and events arrive here. What is
    /// built while that subscriber is the default keeps it.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        subscriber::layer(self.tracer_provider(), self.receiver.clone(), self.span_level)
    }

    /// Advances the clock of a [deterministic](TracesBuilder::deterministic) test.
    ///
    /// # Panics
    ///
    /// If the test has no such clock.
    #[track_caller]
    pub fn advance(&self, by: Duration) {
        self.scope().advance(by);
    }
}

impl Deref for Traces {
    type Target = Recorded;

    fn deref(&self) -> &Recorded {
        &self.receiver
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}

impl TracesBuilder {
    /// Sets the name of the service in waterfalls and in the resource, `test` by default.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service = name.into();
        self
    }

    /// Sets the time limit of each wait, 5 seconds by default.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the sampler. By default a span is recorded if its parent is sampled or absent.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = sampler;
        self
    }

    /// Sets the propagator of middlewares and clients, W3C Trace Context and Baggage by default.
    pub fn propagator(mut self, propagator: impl Into<Propagator>) -> Self {
        self.propagator = propagator.into();
        self
    }

    /// Sets the level up to which `tracing` spans are exported, INFO by default as in
    /// [`Telemetry`](crate::telemetry::Telemetry).
    pub const fn span_level(mut self, level: LevelFilter) -> Self {
        self.span_level = level;
        self
    }

    /// Numbers the ids of traces and spans, from 1, and stops the clock of spans and of the durations of requests at
    /// 2026-01-01T00:00:00Z, until [`advance`](Traces::advance) is called. Times that code passes to a span are replaced.
    pub const fn deterministic(mut self) -> Self {
        self.is_deterministic = true;
        self
    }

    /// Makes this thread belong to the new test.
    pub fn start(self) -> Traces {
        let clock = self.is_deterministic.then(TestClock::new);
        let receiver = Receiver::of_service(&self.service, clock.clone()).timeout(self.timeout);
        let name = KeyValue::new("service.name", self.service);
        let resource = Resource::builder_empty().with_attribute(name).build();
        let mut provider = TracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(self.sampler)
            .with_record_processor(receiver.clone());
        provider.observer = Observer::new(Arc::new(receiver.clone()));
        if self.is_deterministic {
            provider = provider.with_id_generator(CountedIds::default());
        }
        let meter_provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(receiver.metric_reader())
            .build();
        let providers = Arc::new(TestProviders {
            tracer_provider: provider.build(),
            meter_provider,
            propagator: self.propagator,
            clock,
        });
        let dispatch = subscriber::dispatch(&providers, receiver.clone(), self.span_level);
        let scope = TestScope { providers, dispatch };
        Traces {
            receiver,
            _entered: scope.enter(),
            scope,
            span_level: self.span_level,
            not_send: PhantomData,
        }
    }
}

/// Ids that are numbers, from 1.
#[derive(Debug, Default)]
struct CountedIds {
    traces: AtomicU64,
    spans: AtomicU64,
}

impl IdGenerator for CountedIds {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(u128::from(next(&self.traces)))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(next(&self.spans))
    }
}

fn next(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed) + 1
}
