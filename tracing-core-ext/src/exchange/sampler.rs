use std::{fmt::Debug, sync::Arc};

use opentelemetry::{
    Context, InstrumentationScope, SpanId, TraceFlags, TraceId,
    trace::{Span, SpanBuilder, SpanContext, TraceContextExt, TraceState, Tracer},
};

use super::lean::Lean;
use crate::{propagation::extracted::ParentSampling, trace::id_generator};

/// What is known of a provider before a span is made.
#[derive(Clone, Debug)]
pub(crate) struct Foresight {
    sampler: Sampler,
    /// The ids of its spans are random ones, which anybody can make.
    has_random_ids: bool,
    /// Who makes its spans, where its tracer need not.
    lean: Option<Arc<Lean>>,
}

/// What is known of a provider's sampler before it decides.
///
/// A sampler must be shown what a request is (tracing SDK specification, "ShouldSample"). Those of the SDK do not look:
/// they decide by the parent and the trace id. Where that means that a span cannot be recorded, nobody need describe
/// the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sampler {
    /// Whatever the parent is.
    Share(Share),
    /// As the parent was; this many where there is none.
    AsParent(Share),
    /// There is no SDK: no span is made, and that of the caller stays.
    Absent,
    /// Anything else, which is shown everything.
    Unknown,
}

/// How many traces are sampled: those with an id whose lower half, without its last bit, is less than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share(u64);

impl Share {
    const NONE: Self = Self(0);
    const ALL: Self = Self(u64::MAX);

    /// As the SDK has it, which takes what is no number for nothing.
    fn of_ratio(ratio: f64) -> Self {
        if ratio >= 1.0 {
            return Self::ALL;
        }
        Self((ratio.max(0.0) * (1u64 << 63) as f64) as u64)
    }

    #[inline]
    fn has(self, trace_id: TraceId) -> bool {
        if self == Self::ALL || self == Self::NONE {
            return self == Self::ALL;
        }
        let lower_half = u128::from_be_bytes(trace_id.to_bytes()) as u64;
        lower_half >> 1 < self.0
    }
}

/// What becomes of a span.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate<'a> {
    /// It may be recorded, so it has to be described.
    Open,
    /// The provider will not record it.
    Unrecorded,
    /// Nobody will record it, nor miss that it was not made by the provider.
    Identity(TraceId, SpanId),
    /// It is sampled, and nobody will miss that it was not made by the provider.
    Lean(&'a Arc<Lean>, TraceId, SpanId),
    /// There is none but the caller's.
    Absent,
}

impl Foresight {
    /// A provider tells how it is made in its `Debug` output alone. It is asked once, when a layer is built. What
    /// is not recognised, or not clear, is unknown; so a change of that output costs time and nothing else. Only a
    /// sampler that calls itself by the name of one of the SDK's would be shown less than it asks for.
    pub(crate) fn of<T: Tracer>(
        provider: &impl Debug,
        tracer: &T,
        scope: &InstrumentationScope,
    ) -> Self {
        let described = format!("{provider:?}");
        let has_random_ids = field(&described, " id_generator: ")
            .is_some_and(|generator| generator.starts_with("RandomIdGenerator { _private: () }"));
        let sampler = field(&described, " config: Config { sampler: ").map(Sampler::parse);
        let sampler = match sampler.unwrap_or(Sampler::Unknown) {
            Sampler::Unknown if is_absent(tracer) => Sampler::Absent,
            sampler => sampler,
        };
        let lean = has_random_ids.then(|| Lean::of(&described, scope)).flatten();
        Self { sampler, has_random_ids, lean }
    }

    /// What becomes of a span below `parent`.
    #[inline]
    pub(crate) fn fate(&self, parent: Option<ParentSampling>) -> Fate<'_> {
        let share = match (self.sampler, parent) {
            (Sampler::Unknown, _) => return Fate::Open,
            (Sampler::Absent, _) => return Fate::Absent,
            // Even if it is not valid: so a sampling decision that came alone is obeyed.
            (Sampler::AsParent(_), Some(parent)) if parent.is_sampled => Share::ALL,
            (Sampler::AsParent(_), Some(_)) => Share::NONE,
            (Sampler::AsParent(share) | Sampler::Share(share), _) => share,
        };
        let lean = self.lean.as_ref();
        if lean.is_some_and(|lean| lean.is_shut_down()) {
            return Fate::Unrecorded;
        }
        let continued = parent.map(|parent| parent.trace_id).filter(|id| *id != TraceId::INVALID);
        let trace_id = match continued {
            Some(trace_id) => trace_id,
            // The provider will choose another one and decide by that.
            None if lean.is_none() && share != Share::NONE => return Fate::Open,
            None => id_generator::trace_id(),
        };
        match (share.has(trace_id), lean) {
            (true, Some(lean)) => Fate::Lean(lean, trace_id, id_generator::span_id()),
            (true, None) => Fate::Open,
            (false, _) if self.has_random_ids => Fate::Identity(trace_id, id_generator::span_id()),
            (false, _) => Fate::Unrecorded,
        }
    }
}

/// What follows `name`, if that stands there once: somebody may have written it into a resource.
fn field<'a>(described: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = described.split(name).skip(1);
    let value = parts.next()?;
    parts.next().is_none().then_some(value)
}

/// Whether a span is nothing but its parent's identity. It is asked for where no SDK makes one.
fn is_absent<T: Tracer>(tracer: &T) -> bool {
    let flags = TraceFlags::NOT_SAMPLED;
    let parent = SpanContext::new(1.into(), 1.into(), flags, true, TraceState::NONE);
    let cx = Context::new().with_remote_span_context(parent.clone()).with_telemetry_suppressed();
    let span = tracer.build_with_context(SpanBuilder::default(), &cx);
    *span.span_context() == parent
}

impl Sampler {
    fn parse(text: &str) -> Self {
        let parent_based = text.strip_prefix("ParentBased(");
        match Self::parse_share(parent_based.unwrap_or(text)) {
            Some(share) if parent_based.is_some() => Self::AsParent(share),
            Some(share) => Self::Share(share),
            None => Self::Unknown,
        }
    }

    fn parse_share(text: &str) -> Option<Share> {
        let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
        match text.split_at(end) {
            ("AlwaysOn", rest) if is_end(rest) => Some(Share::ALL),
            ("AlwaysOff", rest) if is_end(rest) => Some(Share::NONE),
            ("TraceIdRatioBased", rest) => ratio(rest).map(Share::of_ratio),
            _ => None,
        }
    }
}

/// `(0.25)`, and whatever follows.
fn ratio(text: &str) -> Option<f64> {
    let (ratio, rest) = text.strip_prefix('(')?.split_once(')')?;
    ratio.parse().ok().filter(|_| is_end(rest))
}

/// The end of a unit variant, as a field or as the only item of a tuple.
fn is_end(rest: &str) -> bool {
    rest.starts_with([',', ')'])
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        KeyValue,
        trace::{
            Link, SpanKind, TracerProvider,
            noop::{NoopTracer, NoopTracerProvider},
        },
    };
    use opentelemetry_sdk::trace::{
        IdGenerator, RandomIdGenerator,
        Sampler::{self as Sdk, AlwaysOff, AlwaysOn, ParentBased, TraceIdRatioBased},
        SamplingResult, SdkTracerProvider, ShouldSample,
    };

    use super::*;

    fn provider(sampler: impl ShouldSample + 'static) -> SdkTracerProvider {
        SdkTracerProvider::builder().with_sampler(sampler).build()
    }

    fn foresight(provider: &SdkTracerProvider) -> Foresight {
        Foresight::of(provider, &provider.tracer("test"), &InstrumentationScope::default())
    }

    fn of(sampler: impl ShouldSample + 'static) -> Sampler {
        foresight(&provider(sampler)).sampler
    }

    fn parent(flags: TraceFlags) -> Context {
        below(SpanContext::new(7.into(), 9.into(), flags, true, TraceState::NONE))
    }

    fn is_open(foresight: &Foresight, cx: &Context) -> bool {
        matches!(foresight.fate(ParentSampling::of(cx)), Fate::Open)
    }

    fn below(span_context: SpanContext) -> Context {
        Context::new().with_remote_span_context(span_context)
    }

    #[test]
    fn the_samplers_of_the_sdk_are_recognised() {
        let quarter = Share(1 << 61);
        let cases = [(AlwaysOn, Share::ALL), (AlwaysOff, Share::NONE)].into_iter().chain(
            [(0.25, quarter), (0.0, Share::NONE), (1.0, Share::ALL)]
                .map(|(ratio, share)| (TraceIdRatioBased(ratio), share)),
        );
        for (sampler, share) in cases {
            assert_eq!(of(sampler.clone()), Sampler::Share(share), "{sampler:?}");
            assert_eq!(of(ParentBased(Box::new(sampler))), Sampler::AsParent(share));
        }
    }

    #[test]
    fn any_other_sampler_is_unknown() {
        assert_eq!(of(Own), Sampler::Unknown);
        assert_eq!(of(ParentBased(Box::new(Own))), Sampler::Unknown);
        assert_eq!(of(ParentBased(Box::new(ParentBased(Box::new(AlwaysOff))))), Sampler::Unknown);
        assert_eq!(
            of(Sdk::parent_based(AlwaysOff).with_remote_parent_sampled(Own)),
            Sampler::Unknown
        );
    }

    #[test]
    fn without_an_sdk_the_callers_span_stays() {
        let provider = NoopTracerProvider::new();
        let scope = InstrumentationScope::default();
        let foresight = Foresight::of(&provider, &NoopTracer::new(), &scope);
        assert!(matches!(foresight.fate(None), Fate::Absent));
    }

    #[test]
    fn the_parent_decides_where_the_sampler_follows_it() {
        let [on, off] =
            [AlwaysOn, AlwaysOff].map(|root| foresight(&provider(ParentBased(Box::new(root)))));
        assert!(is_open(&off, &parent(TraceFlags::SAMPLED)));
        assert!(!is_open(&off, &parent(TraceFlags::NOT_SAMPLED)));
        assert!(!is_open(&off, &Context::new()));
        assert!(is_open(&on, &Context::new()));
    }

    #[test]
    fn a_decision_without_a_parent_is_followed_as_the_sdk_does() {
        let invalid = SpanContext::NONE;
        for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
            let (trace_id, span_id) = (invalid.trace_id(), invalid.span_id());
            let cx = below(SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE));
            for root in [Sdk::AlwaysOn, Sdk::AlwaysOff] {
                let provider = provider(ParentBased(Box::new(root)));
                let span = provider.tracer("test").start_with_context("span", &cx);
                assert_eq!(is_open(&foresight(&provider), &cx), span.is_recording());
                assert_eq!(span.is_recording(), flags.is_sampled());
            }
        }
    }

    #[test]
    fn a_ratio_decides_by_the_trace_id_as_the_sdk_does() {
        for ratio in [-1.0, 0.0, 0.1, 1.0 / 3.0, 0.5, 0.999, 1.0, 2.0, f64::NAN] {
            let provider = provider(TraceIdRatioBased(ratio));
            let (foresight, tracer) = (foresight(&provider), provider.tracer("test"));
            for _ in 0..200 {
                let flags = TraceFlags::NOT_SAMPLED;
                let ids = (id_generator::trace_id(), id_generator::span_id());
                let cx = below(SpanContext::new(ids.0, ids.1, flags, true, TraceState::NONE));
                let span = tracer.start_with_context("span", &cx);
                assert_eq!(is_open(&foresight, &cx), span.is_recording(), "{ratio} of {}", ids.0);
            }
        }
    }

    #[test]
    fn what_is_unknown_may_be_recorded() {
        let unsampled = parent(TraceFlags::NOT_SAMPLED);
        assert!(is_open(&foresight(&provider(Own)), &unsampled));
    }

    #[test]
    fn a_span_that_is_not_recorded_continues_the_trace_of_its_parent() {
        let foresight = foresight(&provider(AlwaysOff));
        let continued = foresight.fate(ParentSampling::of(&parent(TraceFlags::SAMPLED)));
        let Fate::Identity(trace_id, span_id) = continued else { panic!("{continued:?}") };
        assert_eq!(trace_id, TraceId::from(7));
        assert_ne!(span_id, SpanId::from(9));

        let [one, other] = [(); 2].map(|()| match foresight.fate(None) {
            Fate::Identity(trace_id, _) => trace_id,
            other => panic!("{other:?}"),
        });
        assert_ne!(one, other, "each trace has its own id");
    }

    #[test]
    fn ids_are_left_to_a_generator_that_is_not_the_sdks() {
        let builder = SdkTracerProvider::builder().with_sampler(AlwaysOff);
        let provider = builder.with_id_generator(OwnIds::default()).build();
        assert!(matches!(foresight(&provider).fate(None), Fate::Unrecorded));
    }

    #[test]
    fn what_a_resource_says_is_not_believed() {
        let resource = opentelemetry_sdk::Resource::builder_empty()
            .with_attribute(KeyValue::new("a", " id_generator: RandomIdGenerator { _private: () }"))
            .build();
        let builder = SdkTracerProvider::builder().with_sampler(AlwaysOff).with_resource(resource);
        let provider = builder.with_id_generator(OwnIds::default()).build();
        assert!(matches!(foresight(&provider).fate(None), Fate::Unrecorded));
    }

    #[derive(Debug, Default)]
    struct OwnIds {
        inner: RandomIdGenerator,
    }

    impl IdGenerator for OwnIds {
        fn new_trace_id(&self) -> TraceId {
            self.inner.new_trace_id()
        }

        fn new_span_id(&self) -> SpanId {
            self.inner.new_span_id()
        }
    }

    #[derive(Clone, Debug)]
    struct Own;

    impl ShouldSample for Own {
        fn should_sample(
            &self,
            _: Option<&Context>,
            _: TraceId,
            _: &str,
            _: &SpanKind,
            _: &[KeyValue],
            _: &[Link],
        ) -> SamplingResult {
            unreachable!("nothing is sampled here")
        }
    }
}
