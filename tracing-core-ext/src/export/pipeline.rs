use std::{sync::Arc, time::Duration};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter, SpanProcessor},
};

use super::delivery::{CountingProcessor, Delivery};
use crate::config::batch::BatchConfig;

/// The way of a span once it has ended, to one exporter.
#[derive(Debug)]
pub(crate) struct Pipeline {
    processor: Arc<CountingProcessor>,
    pub(crate) delivery: Arc<Delivery>,
}

/// What hands the spans of a provider to each [`Pipeline`]. These are closed by [`Telemetry`](crate::telemetry::Telemetry): all at once,
/// where this can only wait for one after the other.
#[derive(Debug)]
pub(crate) struct MultiSpanProcessor(Vec<Arc<CountingProcessor>>);

/// How a pipeline treats what comes.
#[derive(Debug)]
pub(crate) struct Treatment<'a> {
    pub(crate) batch: &'a BatchConfig,
    pub(crate) default_delay: Duration,
    pub(crate) resource: &'a Resource,
}

impl Pipeline {
    pub(crate) fn new(
        exporter: impl SpanExporter + 'static,
        delivery: Arc<Delivery>,
        treatment: &Treatment<'_>,
    ) -> Self {
        let Treatment { batch, default_delay, resource } = *treatment;
        let mut processor =
            CountingProcessor::new(exporter, batch, default_delay, Arc::clone(&delivery));
        processor.set_resource(resource);
        Self { processor: Arc::new(processor), delivery }
    }

    /// What exports all that waits and stops, wherever it is called. From now on no export waits for another attempt.
    ///
    /// The results say nothing: the SDK answers Ok when the last export failed. The counts know.
    pub(crate) fn closing(&self, timeout: Duration) -> impl FnOnce() + Send + 'static {
        #[cfg(any(feature = "otlp", feature = "jaeger"))]
        self.delivery.closing().trigger();
        let processor = Arc::clone(&self.processor);
        move || {
            let _ = processor.force_flush();
            let _ = processor.shutdown_with_timeout(timeout);
        }
    }
}

impl MultiSpanProcessor {
    pub(crate) fn new(pipelines: &[Pipeline]) -> Self {
        Self(pipelines.iter().map(|pipeline| Arc::clone(&pipeline.processor)).collect())
    }

    /// Every one of them is asked, also where one fails.
    fn each(&self, ask: impl Fn(&CountingProcessor) -> OTelSdkResult) -> OTelSdkResult {
        let mut result = Ok(());
        for processor in &self.0 {
            result = result.and(ask(processor));
        }
        result
    }
}

impl SpanProcessor for MultiSpanProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.iter().for_each(|processor| processor.on_start(span, context));
    }

    fn on_end(&self, span: SpanData) {
        let Some((last, others)) = self.0.split_last() else { return };
        others.iter().for_each(|processor| processor.on_end(span.clone()));
        last.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.each(SpanProcessor::force_flush)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.each(|processor| processor.shutdown_with_timeout(timeout))
    }
}
