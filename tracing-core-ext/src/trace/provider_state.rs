//! State that the tracers of one provider share.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use opentelemetry::{TraceFlags, TraceId};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{IdGenerator, SpanLimits},
};

use super::{id_generator, pool, processor::RecordProcessor, record::SpanRecord, sampler::Sampler};
use crate::{
    base::contain,
    propagation::{extracted::NewSpanIds, w3c::traceparent::RANDOM},
    semconv::FactLimits,
};

const ID_GENERATOR: &str = "an id generator";

pub(super) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// State that the tracers of one provider share.
pub(super) struct ProviderState {
    pub(super) sampler: Sampler,
    pub(super) limits: SpanLimits,
    pub(super) facts: FactLimits,
    pub(super) id_generator: Option<Box<dyn IdGenerator>>,
    pub(super) processors: Vec<Box<dyn RecordProcessor>>,
    pub(super) resource: Resource,
    pub(super) is_shut_down: AtomicBool,
    /// Whether it never made spans, because telemetry is disabled.
    pub(super) is_disabled: bool,
}

impl ProviderState {
    #[inline]
    pub(super) fn is_shut_down(&self) -> bool {
        self.is_shut_down.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn new_trace_id(&self) -> TraceId {
        match &self.id_generator {
            None => id_generator::trace_id(),
            Some(generator) => contain(ID_GENERATOR, || generator.new_trace_id())
                .unwrap_or_else(id_generator::trace_id),
        }
    }

    /// Identity of a span in the trace `trace_id`. Ids of another generator may not be random.
    #[inline]
    pub(super) fn new_span_ids(&self, trace_id: TraceId) -> NewSpanIds {
        let (span_id, root_flags) = match &self.id_generator {
            None => (id_generator::span_id(), RANDOM),
            Some(generator) => {
                let span_id = contain(ID_GENERATOR, || generator.new_span_id());
                (span_id.unwrap_or_else(id_generator::span_id), TraceFlags::NOT_SAMPLED)
            }
        };
        NewSpanIds { trace_id, span_id, root_flags }
    }

    /// Sends the record of an ended span to each processor.
    #[inline]
    pub(super) fn on_end(&self, record: Box<SpanRecord>) {
        let last = self.processors.split_last().filter(|_| !self.is_shut_down());
        let Some((last, others)) = last else { return pool::put(record) };
        for processor in others {
            processor.on_end(record.clone());
        }
        last.on_end(record);
    }

    /// Calls all processors, even if one of them fails.
    pub(super) fn for_each(
        &self,
        call: impl Fn(&dyn RecordProcessor) -> OTelSdkResult,
    ) -> OTelSdkResult {
        let results = self.processors.iter().map(|processor| call(&**processor));
        results.fold(Ok(()), Result::and)
    }

    pub(super) fn shutdown(&self, timeout: Duration) -> OTelSdkResult {
        if self.is_shut_down.swap(true, Ordering::Relaxed) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        self.for_each(|processor| processor.shutdown(timeout))
    }
}

impl Drop for ProviderState {
    fn drop(&mut self) {
        let _ = self.shutdown(SHUTDOWN_TIMEOUT);
    }
}
