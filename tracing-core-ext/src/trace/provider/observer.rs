//! Observation of recorded spans by a test.

use std::{fmt, sync::Arc, time::SystemTime};

use opentelemetry::trace::SpanContext;

use crate::trace::record::SpanRecord;

/// Receives the start and the end of every recorded span.
pub(crate) trait SpanObserver: fmt::Debug + Send + Sync {
    /// Receives a span that starts.
    fn on_start(&self, span: &SpanContext);

    /// Receives a span that has ended, after the processors.
    fn on_end(&self, span: &SpanContext);

    /// Returns the time that replaces the starts and ends of spans.
    fn now(&self) -> Option<SystemTime>;
}

/// The observer of a provider, if there is one.
#[derive(Debug)]
pub(crate) struct Observer(Option<Arc<dyn SpanObserver>>);

impl Observer {
    pub(super) const NONE: Self = Self(None);

    pub(crate) fn new(observer: Arc<dyn SpanObserver>) -> Self {
        Self(Some(observer))
    }

    /// Reports the start of a span.
    pub(crate) fn on_start(&self, record: &SpanRecord) {
        if let Some(observer) = &self.0 {
            observer.on_start(&record.identity);
        }
    }

    /// Returns the time that replaces the start of a span.
    pub(crate) fn now(&self) -> Option<SystemTime> {
        self.0.as_ref()?.now()
    }

    /// Sends the record of an ended span to the processors with `end`, and reports it.
    pub(crate) fn on_end(&self, mut record: Box<SpanRecord>, end: impl FnOnce(Box<SpanRecord>)) {
        let Some(observer) = &self.0 else { return end(record) };
        let identity = record.identity.clone();
        record.end_time = observer.now().unwrap_or(record.end_time);
        end(record);
        observer.on_end(&identity);
    }
}
