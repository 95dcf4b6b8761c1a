//! Decisions of samplers.

mod composed;
mod description;
mod fixed;
mod replaced;

use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{SpanContext, SpanKind, TraceContextExt, TraceFlags},
};
use opentelemetry_sdk::trace::{SamplingDecision as SdkDecision, SamplingResult, ShouldSample};

use super::*;

/// Trace ID whose last 56 bits are 2^55, so that a ratio of a half samples it.
const HALF: u128 = 0x8000_0000_0000_0000_0080_0000_0000_0000;

/// Returns a parent in another process with this `tracestate`.
fn remote(flags: TraceFlags, state: &str) -> Context {
    parent(flags, state, true)
}

/// Returns a parent in this process with this `tracestate`.
fn local(flags: TraceFlags, state: &str) -> Context {
    parent(flags, state, false)
}

fn parent(flags: TraceFlags, state: &str, is_remote: bool) -> Context {
    let state = state.parse().unwrap();
    let identity = SpanContext::new(HALF.into(), 9.into(), flags, is_remote, state);
    Context::new().with_remote_span_context(identity)
}

fn result(
    sampler: &Sampler,
    parent: &Context,
    kind: &SpanKind,
    attributes: &[KeyValue],
) -> SamplingResult {
    let trace_id = match parent.has_active_span() {
        true => parent.span().span_context().trace_id(),
        false => TraceId::from(HALF),
    };
    sampler.should_sample(Some(parent), trace_id, "span", kind, attributes, &[])
}

/// Returns whether a span is sampled, and its `tracestate`.
fn sampled(sampler: &Sampler, parent: &Context) -> (bool, String) {
    let result = result(sampler, parent, &SpanKind::Server, &[]);
    (result.decision == SdkDecision::RecordAndSample, result.trace_state.header())
}

fn is_sampled(sampler: &Sampler, kind: &SpanKind, attributes: &[KeyValue]) -> bool {
    let result = result(sampler, &Context::new(), kind, attributes);
    result.decision == SdkDecision::RecordAndSample
}
