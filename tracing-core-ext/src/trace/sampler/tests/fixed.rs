//! Samplers without rules.

use opentelemetry::trace::{
    Link, Span as _, SpanContext, TraceFlags, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry_sdk::trace::{Sampler as SdkSampler, SdkTracerProvider};

use super::*;
use crate::{
    propagation::extracted::ParentSampling,
    trace::{provider::id_generator, sampler::sampler::SamplingDecision},
};

/// Sampler with the `Debug` output of the SDK's sampler of this name.
#[derive(Clone, Debug)]
pub(super) struct AlwaysOn;

impl ShouldSample for AlwaysOn {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: SdkDecision::Drop,
            attributes: Vec::new(),
            trace_state: TraceState::NONE,
        }
    }
}

fn parent(trace_id: TraceId, flags: TraceFlags) -> Context {
    let identity = SpanContext::new(trace_id, 9.into(), flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(identity)
}

#[test]
fn a_sampler_is_recognised_by_its_type_and_not_by_its_debug_output() {
    let ours = Sampler::custom(AlwaysOn);
    assert_eq!(format!("{ours:?}"), format!("{:?}", Sampler::custom(SdkSampler::AlwaysOn)));
    assert!(matches!(ours.decide(None, 7.into()), SamplingDecision::Delegate(_)));
    let sdk = Sampler::custom(SdkSampler::AlwaysOn);
    assert!(matches!(sdk.decide(None, 7.into()), SamplingDecision::RecordAndSample));
    let own = Sampler::custom(Sampler::always_off());
    assert!(matches!(own.decide(None, 7.into()), SamplingDecision::Drop));
}

#[test]
fn decisions_are_those_of_the_sdk() {
    let roots = [-1.0, 0.0, 0.1, 1.0 / 3.0, 0.5, 0.999, 1.0, 2.0, f64::NAN]
        .map(SdkSampler::TraceIdRatioBased);
    for root in roots.into_iter().chain([SdkSampler::AlwaysOn, SdkSampler::AlwaysOff]) {
        let parent_based = SdkSampler::ParentBased(Box::new(root.clone()));
        for sampler in [root, parent_based] {
            assert_decides_as_the_sdk(&sampler);
        }
    }
}

fn assert_decides_as_the_sdk(sampler: &SdkSampler) {
    let ours = Sampler::from(sampler.clone());
    let provider = SdkTracerProvider::builder().with_sampler(sampler.clone()).build();
    let tracer = provider.tracer("test");
    for _ in 0..100 {
        let trace_id = id_generator::trace_id();
        for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
            let cx = parent(trace_id, flags);
            let sdk = tracer.start_with_context("span", &cx).is_recording();
            let result =
                ours.should_sample(Some(&cx), trace_id, "span", &SpanKind::Server, &[], &[]);
            assert_eq!(result.decision == SdkDecision::RecordAndSample, sdk, "{sampler:?}");
        }
    }
}

#[test]
fn a_sampler_that_starts_no_trace_is_known() {
    let ratio = Sampler::trace_id_ratio;
    for (sampler, is_idle) in [
        (Sampler::always_off(), true),
        (ratio(0.0), true),
        (ratio(0.01), false),
        (Sampler::always_on(), false),
        (Sampler::custom(AlwaysOn), false),
    ] {
        assert_eq!(sampler.starts_no_trace(), is_idle, "{sampler:?}");
        assert_eq!(Sampler::parent_based(sampler).starts_no_trace(), is_idle);
    }
}

#[test]
fn a_decision_without_ids_is_respected() {
    for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
        let parent = ParentSampling::from_context(&parent(TraceId::INVALID, flags));
        for root in [Sampler::always_on(), Sampler::always_off()] {
            let sampler = Sampler::parent_based(root);
            let is_sampled = matches!(
                sampler.decide(parent, id_generator::trace_id()),
                SamplingDecision::RecordAndSample
            );
            assert_eq!(is_sampled, flags.is_sampled());
        }
    }
}
