//! Receivers of ended spans.

use std::{fmt, time::Duration};

use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::SpanProcessor,
};

use crate::base::contain;
use crate::trace::record::{SpanRecord, pool};

/// Receives the records of ended spans.
pub(crate) trait RecordProcessor: fmt::Debug + Send + Sync {
    /// Receives a span that has ended. Called on the thread that ended it.
    fn on_end(&self, record: Box<SpanRecord>);

    /// Exports all spans that ended before.
    fn force_flush(&self) -> OTelSdkResult;

    /// Exports all spans that ended before and stops.
    fn shutdown(&self, timeout: Duration) -> OTelSdkResult;

    /// Receives the resource when the provider is built.
    fn set_resource(&mut self, _resource: &Resource) {}
}

/// Processor of the SDK. Its `on_start` is not called, because it requires a span of the SDK.
#[derive(Debug)]
pub(crate) struct EndOnlyProcessor(pub(crate) Box<dyn SpanProcessor>);

impl RecordProcessor for EndOnlyProcessor {
    fn on_end(&self, mut record: Box<SpanRecord>) {
        let span = record.take_span_data();
        pool::put(record);
        contain("a span processor", || self.0.on_end(span));
    }

    fn force_flush(&self) -> OTelSdkResult {
        contain("a span processor", || self.0.force_flush()).unwrap_or_else(panicked)
    }

    fn shutdown(&self, timeout: Duration) -> OTelSdkResult {
        contain("a span processor", || self.0.shutdown_with_timeout(timeout))
            .unwrap_or_else(panicked)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn panicked() -> OTelSdkResult {
    Err(OTelSdkError::InternalFailure("the span processor panicked".to_owned()))
}
