use std::time::Duration;

use opentelemetry::{
    Array, StringValue, Value,
    trace::{SpanId, Status},
};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider, ShouldSample},
};
use tracing_core_ext::{
    testing::{EndedSpan, Receiver},
    trace::TracerProvider,
};

/// Time limit of every wait. A wait that reaches it has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Sink of the spans of one test, without globals. Clones share it.
#[derive(Clone, Debug)]
pub struct SpanSink(Receiver);

impl SpanSink {
    /// Creates an empty sink.
    pub fn new() -> Self {
        Self(Receiver::new().timeout(PATIENCE))
    }

    /// Returns the processor and exporter of the sink.
    pub fn receiver(&self) -> Receiver {
        self.0.clone()
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
            .with_span_processor(self.receiver())
            .build()
    }

    /// Returns a provider that records into this sink the spans that `sampler` samples.
    pub fn provider_sampling(&self, sampler: impl ShouldSample + 'static) -> TracerProvider {
        TracerProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .with_sampler(sampler)
            .with_span_processor(self.receiver())
            .build()
    }

    /// Returns the ended spans, in the order in which they ended.
    pub fn spans(&self) -> Vec<EndedSpan> {
        self.0.ended_spans()
    }

    /// Waits until `count` spans have ended.
    ///
    /// # Panics
    ///
    /// If that takes too long, or if more than `count` have ended.
    pub async fn wait_for(&self, count: usize) -> Vec<EndedSpan> {
        self.0.wait_for_spans(count).await
    }

    /// Waits for the only span of a test.
    pub async fn only(&self) -> EndedSpan {
        self.wait_for(1).await.remove(0)
    }
}

impl Default for SpanSink {
    fn default() -> Self {
        Self::new()
    }
}

/// Accessors for the data of a span.
pub trait EndedSpanExt {
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
    fn is_child_of(&self, parent: &EndedSpan) -> bool;
}

impl EndedSpanExt for EndedSpan {
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

    fn is_child_of(&self, parent: &EndedSpan) -> bool {
        self.parent_span_id == parent.id()
            && self.span_context.trace_id() == parent.span_context.trace_id()
    }
}

/// Asserts that `span` failed with `error_type`.
///
/// # Panics
///
/// If it did not.
pub fn assert_error(span: &EndedSpan, error_type: &str) {
    assert!(matches!(span.status, Status::Error { .. }), "{span:#?}");
    assert_eq!(span.text("error.type"), Some(error_type));
}

/// Asserts that `span` did not fail.
///
/// # Panics
///
/// If it did.
pub fn assert_no_error(span: &EndedSpan) {
    assert_eq!(span.status, Status::Unset, "{span:#?}");
    assert_eq!(span.attribute("error.type"), None);
}
