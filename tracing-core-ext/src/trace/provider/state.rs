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

use super::{id_generator, observer::Observer, processor::RecordProcessor};
use crate::trace::{
    record::{SpanRecord, pool},
    retention::{
        held_span::{HeldSpan, has_error, kept},
        held_trace::HeldLog,
        held_traces::{HeldTraces, Settled},
    },
    sampler::current::CurrentSampler,
};
use crate::{
    base::contain,
    logs::ExceptionLog,
    propagation::{
        extracted::NewSpanIds,
        w3c::{ot_member::OtUpdate, traceparent::RANDOM},
    },
    semconv::FactLimits,
};

const ID_GENERATOR: &str = "an id generator";

pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// State that the tracers of one provider share.
pub(crate) struct ProviderState {
    pub(crate) sampler: CurrentSampler,
    /// Traces that wait for a decision.
    pub(crate) held: HeldTraces,
    pub(crate) limits: SpanLimits,
    pub(crate) facts: FactLimits,
    pub(crate) id_generator: Option<Box<dyn IdGenerator>>,
    pub(crate) processors: Vec<Box<dyn RecordProcessor>>,
    pub(crate) resource: Resource,
    /// Set if the exceptions of spans are log records.
    pub(crate) exceptions: Option<ExceptionLog>,
    pub(crate) observer: Observer,
    pub(crate) is_shut_down: AtomicBool,
    /// Whether the provider never created spans, because telemetry is disabled.
    pub(crate) is_disabled: bool,
}

impl ProviderState {
    #[inline]
    pub(crate) fn is_shut_down(&self) -> bool {
        self.is_shut_down.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn new_trace_id(&self) -> TraceId {
        match &self.id_generator {
            None => id_generator::trace_id(),
            Some(generator) => contain(ID_GENERATOR, || generator.new_trace_id())
                .unwrap_or_else(id_generator::trace_id),
        }
    }

    /// Whether the IDs of new traces are random.
    pub(crate) const fn has_random_ids(&self) -> bool {
        self.id_generator.is_none()
    }

    /// Returns the identity of a new span in the trace `trace_id`. IDs of a custom generator may not be random.
    #[inline(always)]
    pub(crate) fn new_span_ids(&self, trace_id: TraceId) -> NewSpanIds {
        let (span_id, root_flags) = match &self.id_generator {
            None => (id_generator::span_id(), RANDOM),
            Some(generator) => {
                let span_id = contain(ID_GENERATOR, || generator.new_span_id());
                (span_id.unwrap_or_else(id_generator::span_id), TraceFlags::NOT_SAMPLED)
            }
        };
        NewSpanIds { trace_id, span_id, root_flags, ot: OtUpdate::Keep }
    }

    /// Sends the record of an ended span to each processor.
    #[inline]
    pub(crate) fn on_end(&self, record: Box<SpanRecord>) {
        let last = self.processors.split_last().filter(|_| !self.is_shut_down());
        let Some((last, others)) = last else { return pool::put(record) };
        for processor in others {
            processor.on_end(record.clone());
        }
        last.on_end(record);
    }

    /// Ends a span whose trace may wait for a decision.
    pub(crate) fn end_held(&self, mut record: Box<SpanRecord>, held: &HeldSpan) {
        let HeldSpan { trace, root } = held;
        let settled = match root {
            None => {
                let has_failed = has_error(&record);
                self.held.end_child(trace, record, has_failed)
            }
            Some(root) => {
                let decided = root.decide(&record, self.held.has_failed(trace));
                if decided.is_sampled {
                    record.identity = kept(&record.identity, decided.ot);
                }
                self.held.end_root(trace, record, decided.is_sampled)
            }
        };
        self.export(settled);
    }

    /// Sends spans of kept traces to the processors, and emits the log records of decided ones.
    pub(crate) fn export(&self, settled: Settled) {
        for mut record in settled.spans {
            if !record.identity.is_sampled() {
                record.identity = kept(&record.identity, OtUpdate::ERASE);
            }
            self.on_end(record);
        }
        settled.logs.into_iter().for_each(HeldLog::emit);
    }

    /// Calls all processors, even if one of them fails.
    pub(crate) fn for_each(
        &self,
        call: impl Fn(&dyn RecordProcessor) -> OTelSdkResult,
    ) -> OTelSdkResult {
        let results = self.processors.iter().map(|processor| call(&**processor));
        results.fold(Ok(()), Result::and)
    }

    pub(crate) fn shutdown(&self, timeout: Duration) -> OTelSdkResult {
        if self.is_shut_down.swap(true, Ordering::Relaxed) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        self.export(self.held.discard_undecided());
        self.for_each(|processor| processor.shutdown(timeout))
    }
}

impl Drop for ProviderState {
    fn drop(&mut self) {
        let _ = self.shutdown(SHUTDOWN_TIMEOUT);
    }
}
