//! Recording of spans: a [`TracerProvider`] whose spans are pooled records of facts.
//!
//! | question | file |
//! | --- | --- |
//! | is a span recorded? | `tracer` decides, with a [`Sampler`] |
//! | what is recorded? | `record`; `semconv::facts` has the attributes |
//! | where does it go when it ends? | `processor` |

pub(crate) mod clock;
mod parent;
pub(crate) mod provider;
mod record;
mod retention;
mod sampler;
mod span;
pub(crate) mod timer;
mod tracer;
pub(crate) mod value_limit;

pub(crate) use self::{
    parent::ParentSource,
    provider::processor::RecordProcessor,
    record::{
        SpanRecord,
        pool::{PooledRecord, put as recycle_one, recycle},
    },
    retention::{held_trace::HeldTrace, held_traces::HeldCounts},
    timer::Timer,
    tracer::{
        alias::{ExchangeTracer, REQUEST, WEBSOCKET},
        any_tracer::AnyTracer,
        start::{SpanStart, StartedSpan, boxed_link},
    },
};
#[cfg(test)]
mod tests;

#[cfg(feature = "telemetry")]
pub(crate) use self::sampler::rules::pattern::Pattern;
pub use self::{
    provider::{SamplingStatus, TracerProvider, TracerProviderBuilder},
    retention::Retention,
    sampler::{ComposableSampler, ParentBased, Sampler, SamplingRules, SpanMatch, SpanParent},
    span::Span,
    tracer::Tracer,
};

/// Records for tests of exporters.
#[cfg(test)]
pub(crate) mod testing {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::error::OTelSdkResult;

    use super::{PooledRecord, RecordProcessor, Tracer, TracerProvider};

    #[derive(Debug, Default)]
    struct Collected(Arc<Mutex<Vec<PooledRecord>>>);

    impl RecordProcessor for Collected {
        fn on_end(&self, record: PooledRecord) {
            self.0.lock().unwrap().push(record);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    /// Returns the records of the spans that `make` ends.
    pub(crate) fn records(make: impl FnOnce(&Tracer)) -> Vec<PooledRecord> {
        let records: Arc<Mutex<Vec<PooledRecord>>> = Arc::default();
        let processor = Collected(Arc::clone(&records));
        let provider = TracerProvider::builder().with_record_processor(processor).build();
        make(&provider.tracer("test"));
        std::mem::take(&mut *records.lock().unwrap())
    }
}
