//! Traces that wait for a decision.

mod limits;
mod logs;
#[cfg(model_checks)]
mod loom_tests;
mod retained;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{
        Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, TraceFlags,
        Tracer as _, TracerProvider as _,
    },
};
use opentelemetry_sdk::{error::OTelSdkResult, trace::SpanData};

use crate::trace::{
    PooledRecord, RecordProcessor, Retention, Sampler, SpanMatch, Tracer, TracerProvider,
};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default)]
struct Exported(Arc<Mutex<Vec<SpanData>>>);

impl Exported {
    /// Returns the names of the exported spans since the last call, in order.
    fn names(&self) -> Vec<String> {
        self.take().iter().map(|span| span.name.to_string()).collect()
    }

    fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl RecordProcessor for Exported {
    fn on_end(&self, mut record: PooledRecord) {
        assert!(record.identity.is_sampled(), "exporters drop spans without the flag");
        self.0.lock().unwrap().push(record.take_span_data());
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn provider(sampler: Sampler) -> (TracerProvider, Exported) {
    let exported = Exported::default();
    let builder = TracerProvider::builder().with_sampler(sampler);
    (builder.with_record_processor(exported.clone()).build(), exported)
}

fn retaining(retention: Retention) -> (TracerProvider, Tracer, Exported) {
    let head = Sampler::parent_based(Sampler::always_off());
    let (provider, exported) = provider(Sampler::retain(head, retention).unwrap());
    let tracer = provider.tracer("test");
    (provider, tracer, exported)
}

/// Returns the context of a caller in another process.
fn caller(trace_id: u128, flags: TraceFlags) -> Context {
    let state = "ot=th:8;k:1".parse().unwrap();
    let span = SpanContext::new(TraceId::from(trace_id), 9.into(), flags, true, state);
    Context::new().with_remote_span_context(span)
}

fn start(tracer: &Tracer, name: &'static str, parent: &Context) -> Context {
    parent.with_span(tracer.build_with_context(SpanBuilder::from_name(name), parent))
}

fn end(cx: &Context) {
    cx.span().end();
}

fn fail(cx: &Context) {
    cx.span().set_status(Status::error(""));
    cx.span().end();
}
