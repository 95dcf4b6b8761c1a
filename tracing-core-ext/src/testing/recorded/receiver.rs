use std::{
    ops::Deref,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::{Context, Key, trace::SpanContext};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::reader::MetricReader,
    trace::{Span, SpanData, SpanExporter, SpanProcessor},
};

use super::{
    Recorded,
    store::{Store, StoredSpan},
};
use crate::{
    logs::{LogProcessor, LogRecord},
    testing::metrics::source::{MetricSource, TestReader},
    trace::clock::test_clock::TestClock,
    trace::{PooledRecord, RecordProcessor, provider::observer::SpanObserver, recycle_one},
};

/// Time limit of waits, unless the test sets another one.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// Receives the spans and metrics of providers that a test passes to the service under test. Clones share what has
/// arrived.
///
/// It belongs to no thread, so a test that starts servers on other threads can use it where
/// [`Traces`](crate::testing::Traces) would require a [`Scope`](crate::testing::Scope). It dereferences to [`Recorded`],
/// which has the expectations. A span arrives at its end, so a trace counts as complete when the parent of each span has
/// arrived; [`Recorded::wait_for_spans`] waits for a number of spans.
///
/// ```
/// use opentelemetry::{
///     metrics::MeterProvider,
///     trace::{Tracer, TracerProvider as _},
/// };
/// use opentelemetry_sdk::metrics::SdkMeterProvider;
/// use tracing_core_ext::{
///     testing::{Receiver, trace},
///     trace::TracerProvider,
/// };
///
/// let receiver = Receiver::new();
/// let spans = TracerProvider::builder().with_span_processor(receiver.clone()).build();
/// let metrics = SdkMeterProvider::builder().with_reader(receiver.metric_reader()).build();
///
/// spans.tracer("shop").in_span("order", |_| {});
/// metrics.meter("shop").u64_counter("orders").build().add(1, &[]);
///
/// receiver.only().blocking().is(trace! { "order" });
/// receiver.metric("orders").value(1);
/// ```
#[derive(Clone, Debug)]
pub struct Receiver {
    recorded: Recorded,
    reader: TestReader,
    service: Arc<str>,
    clock: Option<TestClock>,
}

impl Receiver {
    /// Creates a receiver to which nothing has arrived.
    pub fn new() -> Self {
        Self::of_service("test", None)
    }

    /// Sets the time limit of each wait, 5 seconds by default.
    #[must_use = "it returns the receiver"]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.recorded.timeout = timeout;
        self
    }

    /// Returns a reader for one meter provider, whose metrics [`Recorded::metric`] compares.
    pub fn metric_reader(&self) -> impl MetricReader + Clone + use<> {
        self.reader.clone()
    }

    pub(crate) fn of_service(service: &str, clock: Option<TestClock>) -> Self {
        let reader = TestReader::default();
        let recorded = Recorded {
            store: Arc::<Store>::default(),
            timeout: TIMEOUT,
            metrics: MetricSource::Reader(reader.clone()),
        };
        Self { recorded, reader, service: service.into(), clock }
    }

    fn add(&self, spans: Vec<SpanData>) {
        let stored = spans
            .into_iter()
            .map(|data| StoredSpan { service: Arc::clone(&self.service), data: Arc::new(data) });
        self.store.change(|state| state.spans.extend(stored));
    }

    /// Names the service in waterfalls.
    fn set_service(&mut self, resource: &Resource) {
        if let Some(name) = resource.get(&Key::from_static_str("service.name")) {
            self.service = name.as_str().into();
        }
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Receiver {
    type Target = Recorded;

    fn deref(&self) -> &Recorded {
        &self.recorded
    }
}

impl SpanProcessor for Receiver {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.add(vec![span]);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.set_service(resource);
    }
}

impl SpanExporter for Receiver {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.add(batch);
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.set_service(resource);
    }
}

impl RecordProcessor for Receiver {
    fn on_end(&self, mut record: PooledRecord) {
        let span = record.take_span_data();
        recycle_one(record);
        self.add(vec![span]);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl SpanObserver for Receiver {
    fn on_start(&self, span: &SpanContext) {
        *self.store.lock().open.entry(span.trace_id()).or_default() += 1;
    }

    fn on_end(&self, span: &SpanContext) {
        self.store.change(|state| {
            if let Some(open) = state.open.get_mut(&span.trace_id()) {
                *open = open.saturating_sub(1);
            }
            state.open.retain(|_, open| *open > 0);
        });
    }

    fn now(&self) -> Option<SystemTime> {
        self.clock.as_ref().map(TestClock::system_time)
    }
}

impl LogProcessor for Receiver {
    fn on_emit(&self, record: LogRecord) {
        self.store.change(|state| state.logs.push(record));
    }
}
