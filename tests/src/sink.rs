use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::{
    Array, Context, StringValue, Value,
    trace::{SpanId, Status},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor},
};
use tokio::{sync::watch, time::timeout};
use tracing_core_ext::trace::TracerProvider;

/// Longer than anything here takes; a wait that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Where the spans of one test end, without globals. Clones share it.
#[derive(Clone)]
pub struct SpanSink {
    spans: Arc<watch::Sender<Vec<SpanData>>>,
}

impl SpanSink {
    /// An empty sink.
    pub fn new() -> Self {
        Self { spans: Arc::new(watch::Sender::new(Vec::new())) }
    }

    /// A provider that records every span here.
    pub fn provider(&self) -> TracerProvider {
        self.provider_sampling(Sampler::AlwaysOn)
    }

    /// A provider of the SDK that records every span here.
    pub fn sdk_provider(&self) -> SdkTracerProvider {
        SdkTracerProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(self.clone())
            .build()
    }

    /// A provider that records here what `sampler` says.
    pub fn provider_sampling(&self, sampler: Sampler) -> TracerProvider {
        TracerProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .with_sampler(sampler)
            .with_span_processor(self.clone())
            .build()
    }

    /// The spans ended so far, in the order they ended.
    pub fn spans(&self) -> Vec<SpanData> {
        self.spans.borrow().clone()
    }

    /// Waits until `count` spans have ended.
    ///
    /// # Panics
    ///
    /// When that takes too long, or more than `count` have.
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

/// For telemetry, which makes its provider itself.
impl SpanExporter for SpanSink {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.spans.send_modify(|spans| spans.extend(batch));
        Ok(())
    }
}

/// What tests ask of a span.
pub trait SpanDataExt {
    /// The only value of an attribute.
    ///
    /// # Panics
    ///
    /// When the attribute stands there more than once.
    fn attribute(&self, key: &str) -> Option<&Value>;

    /// The only value of an attribute that is a string.
    ///
    /// # Panics
    ///
    /// When the value is of another type, or there is more than one.
    fn text(&self, key: &str) -> Option<&str>;

    /// The only value of an attribute that is an integer.
    ///
    /// # Panics
    ///
    /// When the value is of another type, or there is more than one.
    fn integer(&self, key: &str) -> Option<i64>;

    /// The only value of an attribute that is an array of strings; empty where there is none.
    ///
    /// # Panics
    ///
    /// When the value is of another type, or there is more than one.
    fn texts(&self, key: &str) -> Vec<&str>;

    /// Identity of the span.
    fn id(&self) -> SpanId;

    /// Whether this span is a child of `parent`, in the same trace.
    fn is_child_of(&self, parent: &SpanData) -> bool;
}

impl SpanDataExt for SpanData {
    fn attribute(&self, key: &str) -> Option<&Value> {
        let mut values = self.attributes.iter().filter(|attribute| attribute.key.as_str() == key);
        let value = values.next().map(|attribute| &attribute.value);
        assert!(values.next().is_none(), "{key} stands there twice: {self:#?}");
        value
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.attribute(key).map(|value| match value {
            Value::String(text) => text.as_str(),
            other => panic!("{key} is no string: {other:?}"),
        })
    }

    fn integer(&self, key: &str) -> Option<i64> {
        self.attribute(key).map(|value| match value {
            Value::I64(integer) => *integer,
            other => panic!("{key} is no integer: {other:?}"),
        })
    }

    fn texts(&self, key: &str) -> Vec<&str> {
        match self.attribute(key) {
            Some(Value::Array(Array::String(texts))) => {
                texts.iter().map(StringValue::as_str).collect()
            }
            Some(other) => panic!("{key} is no array of strings: {other:?}"),
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

/// That `span` failed, with `error_type`.
///
/// # Panics
///
/// When it did not.
pub fn assert_error(span: &SpanData, error_type: &str) {
    assert!(matches!(span.status, Status::Error { .. }), "{span:#?}");
    assert_eq!(span.text("error.type"), Some(error_type));
}

/// That `span` did not fail.
///
/// # Panics
///
/// When it did.
pub fn assert_no_error(span: &SpanData) {
    assert_eq!(span.status, Status::Unset, "{span:#?}");
    assert_eq!(span.attribute("error.type"), None);
}
