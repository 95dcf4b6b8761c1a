use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::{
    Array, Context, StringValue, Value,
    trace::{SpanId, Status},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        Sampler, SdkTracerProvider, ShouldSample, Span, SpanData, SpanExporter, SpanProcessor,
    },
};
use tokio::{sync::watch, time::timeout};
use tracing_core_ext::trace::TracerProvider;

/// Time limit of every wait. A wait that reaches it has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Sink of the spans of one test, without globals. Clones share it.
#[derive(Clone)]
pub struct SpanSink {
    spans: Arc<watch::Sender<Vec<SpanData>>>,
}

impl SpanSink {
    /// Creates an empty sink.
    pub fn new() -> Self {
        Self { spans: Arc::new(watch::Sender::new(Vec::new())) }
    }

    /// Returns a provider that records every span into this sink.
    pub fn provider(&self) -> TracerProvider {
        self.provider_sampling(Sampler::AlwaysOn)
    }

    /// Returns a provider of the SDK that records every span into this sink.
    pub fn sdk_provider(&self) -> SdkTracerProvider {
        SdkTracerProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(self.clone())
            .build()
    }

    /// Returns a provider that records into this sink the spans that `sampler` samples.
    pub fn provider_sampling(&self, sampler: impl ShouldSample + 'static) -> TracerProvider {
        TracerProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .with_sampler(sampler)
            .with_span_processor(self.clone())
            .build()
    }

    /// Returns the ended spans, in the order in which they ended.
    pub fn spans(&self) -> Vec<SpanData> {
        self.spans.borrow().clone()
    }

    /// Waits until `count` spans have ended.
    ///
    /// # Panics
    ///
    /// If that takes too long, or if more than `count` have ended.
    pub async fn wait_for(&self, count: usize) -> Vec<SpanData> {
        let mut ended = self.spans.subscribe();
        let waited = timeout(PATIENCE, ended.wait_for(|spans| spans.len() >= count)).await;
        assert!(waited.is_ok(), "waited for {count} spans, got {:#?}", self.spans());
        let spans = self.spans();
        assert_eq!(spans.len(), count, "{spans:#?}");
        spans
    }

    /// Waits for the only span of a test.
    pub async fn only(&self) -> SpanData {
        self.wait_for(1).await.remove(0)
    }
}

impl Default for SpanSink {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SpanSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpanSink")
    }
}

impl SpanProcessor for SpanSink {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.spans.send_modify(|spans| spans.push(span));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Exports into the sink, for telemetry, which creates its provider itself.
impl SpanExporter for SpanSink {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.spans.send_modify(|spans| spans.extend(batch));
        Ok(())
    }
}

/// Accessors for the data of a span.
pub trait SpanDataExt {
    /// Returns the only value of an attribute.
    ///
    /// # Panics
    ///
    /// If the attribute occurs more than once.
    fn attribute(&self, key: &str) -> Option<&Value>;

    /// Returns the only value of a string attribute.
    ///
    /// # Panics
    ///
    /// If the value has another type, or if there is more than one.
    fn text(&self, key: &str) -> Option<&str>;

    /// Returns the only value of an integer attribute.
    ///
    /// # Panics
    ///
    /// If the value has another type, or if there is more than one.
    fn integer(&self, key: &str) -> Option<i64>;

    /// Returns the only value of an attribute with an array of strings, or an empty vector if it is
    /// absent.
    ///
    /// # Panics
    ///
    /// If the value has another type, or if there is more than one.
    fn texts(&self, key: &str) -> Vec<&str>;

    /// Returns the id of the span.
    fn id(&self) -> SpanId;

    /// Whether this span is a child of `parent`, in the same trace.
    fn is_child_of(&self, parent: &SpanData) -> bool;
}

impl SpanDataExt for SpanData {
    fn attribute(&self, key: &str) -> Option<&Value> {
        let mut values = self.attributes.iter().filter(|attribute| attribute.key.as_str() == key);
        let value = values.next().map(|attribute| &attribute.value);
        assert!(values.next().is_none(), "{key} occurs twice: {self:#?}");
        value
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.attribute(key).map(|value| match value {
            Value::String(text) => text.as_str(),
            other => panic!("{key} is not a string: {other:?}"),
        })
    }

    fn integer(&self, key: &str) -> Option<i64> {
        self.attribute(key).map(|value| match value {
            Value::I64(integer) => *integer,
            other => panic!("{key} is not an integer: {other:?}"),
        })
    }

    fn texts(&self, key: &str) -> Vec<&str> {
        match self.attribute(key) {
            Some(Value::Array(Array::String(texts))) => {
                texts.iter().map(StringValue::as_str).collect()
            }
            Some(other) => panic!("{key} is not an array of strings: {other:?}"),
            None => Vec::new(),
        }
    }

    fn id(&self) -> SpanId {
        self.span_context.span_id()
    }

    fn is_child_of(&self, parent: &SpanData) -> bool {
        self.parent_span_id == parent.id()
            && self.span_context.trace_id() == parent.span_context.trace_id()
    }
}

/// Asserts that `span` failed with `error_type`.
///
/// # Panics
///
/// If it did not.
pub fn assert_error(span: &SpanData, error_type: &str) {
    assert!(matches!(span.status, Status::Error { .. }), "{span:#?}");
    assert_eq!(span.text("error.type"), Some(error_type));
}

/// Asserts that `span` did not fail.
///
/// # Panics
///
/// If it did.
pub fn assert_no_error(span: &SpanData) {
    assert_eq!(span.status, Status::Unset, "{span:#?}");
    assert_eq!(span.attribute("error.type"), None);
}
