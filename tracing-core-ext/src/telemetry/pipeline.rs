use std::{sync::Arc, time::Duration};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter, SpanProcessor},
};

use super::{
    config::Batch,
    delivery::{CountingProcessor, Delivery},
    value_limit::ValueLimit,
};

/// The way of a span once it has ended, to one exporter.
#[derive(Debug)]
pub(super) struct Pipeline {
    processor: Arc<ValueLimit<CountingProcessor>>,
    pub(super) delivery: Arc<Delivery>,
}

/// What hands the spans of a provider to a [`Pipeline`], which is closed by [`Telemetry`](super::Telemetry): all of them
/// at once, where the provider would wait for one after the other.
#[derive(Debug)]
struct Inlet(Arc<ValueLimit<CountingProcessor>>);

/// How a pipeline treats what comes.
#[derive(Debug)]
pub(super) struct Treatment<'a> {
    pub(super) batch: &'a Batch,
    pub(super) default_delay: Duration,
    /// In characters.
    pub(super) value_limit: Option<usize>,
    pub(super) resource: &'a Resource,
}

impl Pipeline {
    pub(super) fn new(
        exporter: impl SpanExporter + 'static,
        delivery: Arc<Delivery>,
        treatment: &Treatment<'_>,
    ) -> Self {
        let Treatment { batch, default_delay, value_limit, resource } = *treatment;
        let inner = CountingProcessor::new(exporter, batch, default_delay, Arc::clone(&delivery));
        let mut processor = ValueLimit { inner, limit: value_limit };
        processor.set_resource(resource);
        Self { processor: Arc::new(processor), delivery }
    }

    /// What a provider is built with.
    pub(super) fn inlet(&self) -> impl SpanProcessor + 'static {
        Inlet(Arc::clone(&self.processor))
    }

    /// What exports all that waits and stops, wherever it is called. From now on no export waits for another attempt.
    ///
    /// The results say nothing: the SDK answers Ok when the last export failed. The counts know.
    pub(super) fn closing(&self, timeout: Duration) -> impl FnOnce() + Send + 'static {
        #[cfg(feature = "otlp")]
        self.delivery.closing().begin();
        let processor = Arc::clone(&self.processor);
        move || {
            let _ = processor.force_flush();
            let _ = processor.shutdown_with_timeout(timeout);
        }
    }
}

impl SpanProcessor for Inlet {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }
}
