use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

/// A span processor that is told how spans end, and not that they start.
///
/// Where it is the only processor of a provider, with a sampler and an id generator of the SDK, middlewares and clients made
/// with that provider make their spans themselves and hand them over when they end: what is exported is the same and costs
/// less. [`Telemetry`](crate::telemetry::Telemetry) does so. Most processors, such as those of the SDK, do nothing at the
/// start.
///
/// ```
/// use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SimpleSpanProcessor};
/// use tracing_core_ext::exchange::EndOnly;
///
/// let processor = SimpleSpanProcessor::new(InMemorySpanExporter::default());
/// let provider = SdkTracerProvider::builder().with_span_processor(EndOnly::new(processor)).build();
/// # drop(provider);
/// ```
pub struct EndOnly(State);

enum State {
    /// Only while its provider is built can it be told of the resource.
    Unbuilt(Box<dyn SpanProcessor>),
    Built(Arc<Ends>),
}

/// Where ended spans go.
pub(super) struct Ends {
    processor: Box<dyn SpanProcessor>,
    is_shut_down: AtomicBool,
}

/// Asked when a layer is built.
static BUILT: Mutex<Vec<Weak<Ends>>> = Mutex::new(Vec::new());

impl EndOnly {
    /// Tells `processor` of ends.
    pub fn new(processor: impl SpanProcessor + 'static) -> Self {
        Self(State::Unbuilt(Box::new(processor)))
    }

    fn processor(&self) -> &dyn SpanProcessor {
        match &self.0 {
            State::Unbuilt(processor) => &**processor,
            State::Built(ends) => &*ends.processor,
        }
    }
}

impl Ends {
    /// The only processor of the provider that describes itself like this.
    pub(super) fn of(described: &str) -> Option<Arc<Self>> {
        let built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        let mut alive = built.iter().filter_map(Weak::upgrade);
        alive.find(|ends| described.contains(&format!(" processors: [{ends:?}], ")))
    }

    fn register(processor: Box<dyn SpanProcessor>) -> Arc<Self> {
        let ends = Arc::new(Self { processor, is_shut_down: AtomicBool::new(false) });
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        built.retain(|ends| ends.strong_count() > 0);
        built.push(Arc::downgrade(&ends));
        ends
    }

    #[inline]
    pub(super) fn is_shut_down(&self) -> bool {
        self.is_shut_down.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn end(&self, span: SpanData) {
        if !self.is_shut_down() {
            self.processor.on_end(span);
        }
    }
}

impl SpanProcessor for EndOnly {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.processor().on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor().force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        if let State::Built(ends) = &self.0 {
            ends.is_shut_down.store(true, Ordering::Relaxed);
        }
        self.processor().shutdown_with_timeout(timeout)
    }

    /// The SDK calls it once, when the provider is built.
    fn set_resource(&mut self, resource: &Resource) {
        if let State::Unbuilt(processor) = &mut self.0 {
            processor.set_resource(resource);
            let processor = std::mem::replace(processor, Box::new(Nothing));
            self.0 = State::Built(Ends::register(processor));
        }
    }
}

impl fmt::Debug for EndOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Unbuilt(processor) => f.debug_tuple("EndOnly").field(processor).finish(),
            State::Built(ends) => ends.fmt(f),
        }
    }
}

/// By its address, by which it is found again.
impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndOnly({:p})", self)
    }
}

/// Stands where a processor was taken away.
#[derive(Debug)]
struct Nothing;

impl SpanProcessor for Nothing {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
