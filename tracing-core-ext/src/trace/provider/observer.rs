//! Observation of recorded spans, for tests.

use std::{fmt, time::SystemTime};

use opentelemetry::trace::SpanContext;

/// Receives the start and the end of every recorded span.
pub(crate) trait SpanObserver: fmt::Debug + Send + Sync {
    /// Receives a span that starts.
    fn on_start(&self, span: &SpanContext);

    /// Receives a span that has ended, after the processors.
    fn on_end(&self, span: &SpanContext);

    /// Returns the time that replaces the starts and ends of spans.
    fn now(&self) -> Option<SystemTime>;
}
