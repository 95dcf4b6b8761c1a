//! Recording of spans: a [`TracerProvider`] whose spans are pooled records of facts.
//!
//! | question | file |
//! | --- | --- |
//! | is a span recorded? | `tracer` decides, with a [`Sampler`] |
//! | what is recorded? | `record`; `semconv::facts` has the attributes |
//! | where does it go when it ends? | `processor` |

mod alias;
pub(crate) mod id_generator;
mod parent;
mod pool;
mod processor;
mod provider;
mod record;
mod sampler;
mod span;
mod start;
pub(crate) mod timer;
mod tracer;

pub(crate) use self::{
    alias::{ExchangeTracer, REQUEST, WEBSOCKET},
    parent::ParentSource,
    pool::{PooledRecord, recycle},
    processor::RecordProcessor,
    record::SpanRecord,
    start::{AnyTracer, SpanStart, StartedSpan, boxed_link},
    timer::Timer,
};
#[cfg(test)]
mod tests;

pub use self::{
    provider::{TracerProvider, TracerProviderBuilder},
    sampler::Sampler,
    span::Span,
    tracer::Tracer,
};
