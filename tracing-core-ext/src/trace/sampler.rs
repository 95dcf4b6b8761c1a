//! Samplers with known types. A span that such a sampler drops is never described.

use std::{any::Any, fmt};

use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, SpanKind, TraceContextExt},
};
use opentelemetry_sdk::trace::{
    Sampler as SdkSampler, SamplingDecision as SdkDecision, SamplingResult, ShouldSample,
};

use crate::propagation::extracted::ParentSampling;

/// Decides which spans are recorded.
///
/// A sampler of this type decides by the parent and the trace ID. The decision precedes the description of the span, so
/// that a span that is not recorded costs little. [`custom`](Self::custom) accepts every other [`ShouldSample`]; it
/// receives all attributes that the semantic conventions require at the creation of a span.
///
/// ```
/// use tracing_core_ext::trace::{Sampler, TracerProvider};
///
/// let one_in_a_hundred = Sampler::parent_based(Sampler::trace_id_ratio(0.01));
/// let provider = TracerProvider::builder().with_sampler(one_in_a_hundred).build();
/// # drop(provider);
/// ```
#[derive(Clone)]
pub struct Sampler(Kind);

#[derive(Clone)]
enum Kind {
    Root(Root),
    /// Decision of the parent, or that of the root sampler if there is no parent.
    ParentBased(Root),
}

/// Samplers that do not use the parent's decision.
#[derive(Clone)]
enum Root {
    TraceIdRatio(TraceIdRatio),
    Custom(Box<dyn ShouldSample>),
}

/// Sampling threshold: a trace is sampled if `low_64_bits(trace_id) >> 1` is below it, the rule of the SDK's
/// `TraceIdRatioBased`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TraceIdRatio(u64);

/// Decision about a span that is about to start.
#[derive(Clone, Copy, Debug)]
pub(super) enum SamplingDecision<'a> {
    Drop,
    RecordAndSample,
    /// This sampler decides, after it has received the attributes of the span.
    Delegate(&'a dyn ShouldSample),
}

impl Sampler {
    /// Records every span.
    pub const fn always_on() -> Self {
        Self(Kind::Root(Root::TraceIdRatio(TraceIdRatio::ALL)))
    }

    /// Records no span.
    pub const fn always_off() -> Self {
        Self(Kind::Root(Root::TraceIdRatio(TraceIdRatio::NONE)))
    }

    /// Records this share of all traces, between 0 and 1. A ratio that is not a number records nothing.
    pub const fn trace_id_ratio(ratio: f64) -> Self {
        Self(Kind::Root(Root::TraceIdRatio(TraceIdRatio::from_ratio(ratio))))
    }

    /// Records a span if its parent is sampled. `root` decides about spans without a parent.
    pub fn parent_based(root: Self) -> Self {
        match root.0 {
            Kind::Root(root) => Self(Kind::ParentBased(root)),
            nested @ Kind::ParentBased(_) => Self(nested),
        }
    }

    /// Uses a sampler of any type. Samplers of the SDK are recognised by their type.
    pub fn custom(sampler: impl ShouldSample + 'static) -> Self {
        let mut sampler = Some(sampler);
        if let Some(own) = (&mut sampler as &mut dyn Any).downcast_mut::<Option<Self>>() {
            return own.take().unwrap_or(Self::always_on());
        }
        if let Some(sdk) = (&mut sampler as &mut dyn Any).downcast_mut::<Option<SdkSampler>>() {
            return sdk.take().map_or(Self::always_on(), Self::from);
        }
        match sampler {
            Some(sampler) => Self(Kind::Root(Root::Custom(Box::new(sampler)))),
            None => Self::always_on(),
        }
    }

    /// Decides about a span with this parent and this trace ID.
    #[inline]
    pub(super) fn decide(
        &self,
        parent: Option<ParentSampling>,
        trace_id: TraceId,
    ) -> SamplingDecision<'_> {
        match (&self.0, parent) {
            // An invalid parent counts, because a decision without IDs is respected.
            (Kind::ParentBased(_), Some(parent)) if parent.is_sampled => {
                SamplingDecision::RecordAndSample
            }
            (Kind::ParentBased(_), Some(_)) => SamplingDecision::Drop,
            (Kind::Root(root) | Kind::ParentBased(root), _) => root.decide(trace_id),
        }
    }

    /// Whether no trace can start here.
    pub(crate) fn starts_no_trace(&self) -> bool {
        let (Kind::Root(root) | Kind::ParentBased(root)) = &self.0;
        matches!(root, Root::TraceIdRatio(TraceIdRatio::NONE))
    }
}

impl Root {
    #[inline]
    fn decide(&self, trace_id: TraceId) -> SamplingDecision<'_> {
        match self {
            Self::TraceIdRatio(ratio) if ratio.samples(trace_id) => {
                SamplingDecision::RecordAndSample
            }
            Self::TraceIdRatio(_) => SamplingDecision::Drop,
            Self::Custom(sampler) => SamplingDecision::Delegate(&**sampler),
        }
    }
}

impl TraceIdRatio {
    const NONE: Self = Self(0);
    const ALL: Self = Self(u64::MAX);

    const fn from_ratio(ratio: f64) -> Self {
        if ratio >= 1.0 {
            return Self::ALL;
        }
        // `as` turns negative numbers and NaN into 0.
        Self((ratio * (1u64 << 63) as f64) as u64)
    }

    #[inline]
    fn samples(self, trace_id: TraceId) -> bool {
        if self == Self::ALL {
            return true;
        }
        let lower_half = u128::from_be_bytes(trace_id.to_bytes()) as u64;
        lower_half >> 1 < self.0
    }
}

impl From<SdkSampler> for Sampler {
    fn from(sampler: SdkSampler) -> Self {
        match sampler {
            SdkSampler::AlwaysOn => Self::always_on(),
            SdkSampler::AlwaysOff => Self::always_off(),
            SdkSampler::TraceIdRatioBased(ratio) => Self::trace_id_ratio(ratio),
            SdkSampler::ParentBased(root) => Self(Kind::ParentBased(Root::Custom(root))),
            other => Self(Kind::Root(Root::Custom(Box::new(other)))),
        }
    }
}

impl ShouldSample for Sampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = parent_context.and_then(ParentSampling::from_context);
        let decision = match self.decide(parent, trace_id) {
            SamplingDecision::Drop => SdkDecision::Drop,
            SamplingDecision::RecordAndSample => SdkDecision::RecordAndSample,
            SamplingDecision::Delegate(sampler) => {
                return sampler.should_sample(
                    parent_context,
                    trace_id,
                    name,
                    span_kind,
                    attributes,
                    links,
                );
            }
        };
        let trace_state = parent_context
            .map(|cx| cx.span().span_context().trace_state().clone())
            .unwrap_or_default();
        SamplingResult { decision, attributes: Vec::new(), trace_state }
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Root(root) => root.fmt(f),
            Kind::ParentBased(root) => f.debug_tuple("ParentBased").field(root).finish(),
        }
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TraceIdRatio(TraceIdRatio::ALL) => f.write_str("AlwaysOn"),
            Self::TraceIdRatio(TraceIdRatio::NONE) => f.write_str("AlwaysOff"),
            Self::TraceIdRatio(TraceIdRatio(threshold)) => {
                write!(f, "TraceIdRatioBased({:?})", *threshold as f64 / (1u64 << 63) as f64)
            }
            Self::Custom(sampler) => sampler.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{
        Span as _, SpanContext, TraceFlags, TraceState, Tracer as _, TracerProvider as _,
    };
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;
    use crate::trace::provider::id_generator;

    /// Sampler with the `Debug` output of the SDK's sampler of this name.
    #[derive(Clone, Debug)]
    struct AlwaysOn;

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
}
