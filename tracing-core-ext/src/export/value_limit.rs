use std::time::Duration;

use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

use crate::semconv::options::truncate;

/// Cuts the strings of every span that ends, which the SDK does not do: its limits count, they do not measure.
#[derive(Debug)]
pub(crate) struct ValueLimit<P> {
    pub(crate) inner: P,
    /// In characters.
    pub(crate) limit: Option<usize>,
}

impl<P: SpanProcessor> SpanProcessor for ValueLimit<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        if let Some(limit) = self.limit {
            cut_all(&mut span, limit);
        }
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// OpenTelemetry specification, "Attribute limits": those of a span, of its events and of its links.
fn cut_all(span: &mut SpanData, limit: usize) {
    cut_each(&mut span.attributes, limit);
    span.events.events.iter_mut().for_each(|event| cut_each(&mut event.attributes, limit));
    span.links.links.iter_mut().for_each(|link| cut_each(&mut link.attributes, limit));
}

pub(crate) fn cut_each(attributes: &mut [KeyValue], limit: usize) {
    attributes.iter_mut().for_each(|attribute| truncate(&mut attribute.value, limit));
}
