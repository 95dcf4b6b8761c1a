use std::{
    any::Any,
    sync::{Arc, Once},
};

use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, SpanKind, TraceContextExt},
};
use opentelemetry_sdk::trace::{
    Sampler as SdkSampler, SamplingDecision as SdkDecision, SamplingResult, ShouldSample,
};

use super::{
    composable::{ComposableSampler, Intent, randomness, threshold},
    input::SamplingInput,
    parent_based::ParentBased,
    rate_limit::TokenBucket,
    ratio::TraceIdRatio,
    rules::SamplingRules,
};
use crate::{
    base::error::TelemetryError,
    propagation::{
        extracted::ParentSampling,
        w3c::ot_member::{OtUpdate, Randomness, Threshold},
    },
};

/// Decides which spans are recorded.
///
/// A sampler of this type decides before the span is described, so that a span that is not recorded costs little.
/// [`custom`](Self::custom) accepts every other [`ShouldSample`]; it receives all attributes that the semantic
/// conventions require at the creation of a span.
///
/// ```
/// use tracing_core_ext::trace::{Sampler, TracerProvider};
///
/// let one_in_a_hundred = Sampler::parent_based(Sampler::trace_id_ratio(0.01));
/// let provider = TracerProvider::builder().with_sampler(one_in_a_hundred).build();
/// # drop(provider);
/// ```
///
/// Its [`Display`](std::fmt::Display) output is JSON in the form of the OpenTelemetry configuration schema.
#[derive(Clone)]
pub struct Sampler(pub(super) Kind);

#[derive(Clone)]
pub(super) enum Kind {
    Root(Root),
    /// Decision of the parent, or that of the root sampler if there is no parent.
    ParentBased(Root),
    Tree(Tree),
}

/// Samplers that do not use the parent's decision.
#[derive(Clone)]
pub(super) enum Root {
    TraceIdRatio(TraceIdRatio),
    Custom(Box<dyn ShouldSample>),
}

/// Samplers that read more than the trace ID and the parent's decision.
#[derive(Clone)]
pub(in crate::trace) enum Tree {
    Probability(Threshold),
    ParentBased(Arc<ParentBased<Sampler>>),
    Composite(Arc<ComposableSampler>),
    Rules(Arc<SamplingRules<Sampler>>),
    RateLimit(Arc<RateLimit>),
}

/// Sampler that records a limited number of traces per second.
pub(in crate::trace) struct RateLimit {
    pub(super) per_second: f64,
    bucket: TokenBucket,
    pub(super) sampler: Sampler,
}

/// Decision about a span that is about to start.
#[derive(Clone, Copy)]
pub(in crate::trace) enum SamplingDecision<'a> {
    Drop,
    RecordAndSample,
    /// This sampler decides, after it has received the attributes of the span.
    Delegate(&'a dyn ShouldSample),
    /// This sampler decides, after it has received the parent and a view of the attributes.
    Evaluate(&'a Tree),
}

/// Decision of a [`Tree`].
#[derive(Clone, Copy)]
pub(in crate::trace) enum Verdict<'a> {
    Decided(Decided),
    Delegate(&'a dyn ShouldSample),
}

/// Decision, and the change of the `tracestate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trace) struct Decided {
    pub(in crate::trace) is_sampled: bool,
    pub(in crate::trace) ot: OtUpdate,
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
    ///
    /// It is the sampler `TraceIdRatioBased`, whose algorithm is not specified: services with other SDKs may decide
    /// differently about a trace. Use it as the root of [`parent_based`](Self::parent_based), or use
    /// [`probability`](Self::probability).
    pub const fn trace_id_ratio(ratio: f64) -> Self {
        Self(Kind::Root(Root::TraceIdRatio(TraceIdRatio::from_ratio(ratio))))
    }

    /// Records this share of all traces, from 2^-56 to 1, or nothing if it is 0: OpenTelemetry specification,
    /// "ProbabilitySampler". All services with such a sampler decide consistently, and the ratio is written into the
    /// `tracestate` as `ot=th:…`. The decision of the parent is not used.
    ///
    /// The ratio is rounded to four hexadecimal digits, for example 0.01 to 0.010000229.
    ///
    /// # Errors
    ///
    /// If the ratio is another number.
    pub fn probability(ratio: f64) -> Result<Self, TelemetryError> {
        Ok(match threshold("Sampler::probability()", ratio)? {
            Some(threshold) => Self(Kind::Tree(Tree::Probability(threshold))),
            None => Self::always_off(),
        })
    }

    /// Records a span if its parent is sampled. `root` decides about spans without a parent. [`ParentBased`] has more
    /// options.
    pub fn parent_based(root: Self) -> Self {
        match root.0 {
            Kind::Root(root) => Self(Kind::ParentBased(root)),
            nested @ Kind::ParentBased(_) => Self(nested),
            tree @ Kind::Tree(_) => {
                Self(Kind::Tree(Tree::ParentBased(Arc::new(ParentBased::new(Self(tree))))))
            }
        }
    }

    /// Records the spans whose threshold a composable sampler accepts: OpenTelemetry specification,
    /// "CompositeSampler".
    pub fn composite(sampler: ComposableSampler) -> Self {
        Self(Kind::Tree(Tree::Composite(Arc::new(sampler))))
    }

    /// Records at most this number of the traces per second that `sampler` records. Up to the number of one second may
    /// start at once. A span with a parent in this process follows it and is not counted.
    ///
    /// ```
    /// use tracing_core_ext::trace::Sampler;
    ///
    /// # fn main() -> Result<(), tracing_core_ext::telemetry::TelemetryError> {
    /// let sampler = Sampler::parent_based(Sampler::rate_limit(100.0, Sampler::always_on())?);
    /// # drop(sampler);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the number is not positive.
    pub fn rate_limit(traces_per_second: f64, sampler: Self) -> Result<Self, TelemetryError> {
        if !(1e-6..=1e9).contains(&traces_per_second) {
            let value = traces_per_second.to_string();
            let expected = "a number of traces per second from 0.000001 to 1000000000";
            return Err(TelemetryError::setting("Sampler::rate_limit()", value, expected));
        }
        let bucket = TokenBucket::new(traces_per_second);
        let limit = RateLimit { per_second: traces_per_second, bucket, sampler };
        Ok(Self(Kind::Tree(Tree::RateLimit(Arc::new(limit)))))
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
    pub(in crate::trace) fn decide(
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
            (Kind::Tree(tree), _) => SamplingDecision::Evaluate(tree),
        }
    }

    fn evaluate(&self, input: &SamplingInput<'_>) -> Verdict<'_> {
        match self.decide(input.parent, input.trace_id) {
            SamplingDecision::Drop => Verdict::keep(false),
            SamplingDecision::RecordAndSample => Verdict::keep(true),
            SamplingDecision::Delegate(sampler) => Verdict::Delegate(sampler),
            SamplingDecision::Evaluate(tree) => tree.evaluate(input),
        }
    }

    /// Whether no trace can start here.
    pub(crate) fn starts_no_trace(&self) -> bool {
        match &self.0 {
            Kind::Root(root) | Kind::ParentBased(root) => {
                matches!(root, Root::TraceIdRatio(TraceIdRatio::NONE))
            }
            Kind::Tree(tree) => tree.starts_no_trace(),
        }
    }
}

impl SamplingRules<Sampler> {
    /// Makes the sampler. Without a fallback, a span that matches no rule is recorded if its parent is sampled or
    /// absent.
    ///
    /// # Errors
    ///
    /// If a condition is invalid, or if a rule can never match because all spans match an earlier one.
    pub fn build(self) -> Result<Sampler, TelemetryError> {
        self.validate()?;
        Ok(Sampler(Kind::Tree(Tree::Rules(Arc::new(self)))))
    }
}

impl From<ParentBased<Self>> for Sampler {
    fn from(parent_based: ParentBased<Self>) -> Self {
        match parent_based.follows_parents() {
            true => Self::parent_based(parent_based.root),
            false => Self(Kind::Tree(Tree::ParentBased(Arc::new(parent_based)))),
        }
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

impl Tree {
    /// Decides about a span.
    pub(in crate::trace) fn evaluate(&self, input: &SamplingInput<'_>) -> Verdict<'_> {
        match self {
            Self::Probability(threshold) => {
                warn_unless_random(input);
                Verdict::for_intent(Intent::Threshold(*threshold), input)
            }
            Self::ParentBased(parent_based) => match parent_based.select(input.parent) {
                Ok(sampler) => sampler.evaluate(input),
                Err(is_sampled) => Verdict::keep(is_sampled),
            },
            Self::Composite(sampler) => Verdict::for_intent(sampler.intent(input), input),
            Self::Rules(rules) => match rules.select(input) {
                Some(sampler) => sampler.evaluate(input),
                None => Verdict::keep(input.parent.is_none_or(|parent| parent.is_sampled)),
            },
            Self::RateLimit(limit) => limit.evaluate(input),
        }
    }

    fn starts_no_trace(&self) -> bool {
        match self {
            Self::Probability(_) => false,
            Self::ParentBased(parent_based) => parent_based.root.starts_no_trace(),
            Self::Composite(sampler) => sampler.starts_no_trace(),
            Self::Rules(rules) => {
                let mut samplers = rules.rules().iter().map(|rule| &rule.sampler);
                samplers.all(Sampler::starts_no_trace)
                    && rules.fallback_sampler().is_some_and(Sampler::starts_no_trace)
            }
            Self::RateLimit(limit) => limit.sampler.starts_no_trace(),
        }
    }
}

impl RateLimit {
    fn evaluate(&self, input: &SamplingInput<'_>) -> Verdict<'_> {
        if let Some(parent) = input.parent.filter(|parent| !parent.is_remote) {
            return Verdict::keep(parent.is_sampled);
        }
        match self.sampler.evaluate(input) {
            // The share of the recorded traces is not known.
            Verdict::Decided(Decided { is_sampled: true, .. }) => {
                Verdict::Decided(Decided { is_sampled: self.bucket.take(), ot: OtUpdate::ERASE })
            }
            other => other,
        }
    }
}

impl Verdict<'_> {
    /// Decision of a sampler that does not change the `tracestate`.
    const fn keep(is_sampled: bool) -> Self {
        Self::Decided(Decided { is_sampled, ot: OtUpdate::Keep })
    }

    fn for_intent(intent: Intent, input: &SamplingInput<'_>) -> Self {
        // "Root Samplers MAY insert an explicit randomness value".
        let needs_randomness = input.parent.is_none() && !input.has_random_ids;
        let new_randomness = needs_randomness.then(|| Randomness::new((input.new_randomness)()));
        let sampled_at = match intent {
            Intent::Drop => None,
            Intent::SampleUnknown => {
                return Self::Decided(Decided { is_sampled: true, ot: OtUpdate::ERASE });
            }
            Intent::Threshold(threshold) => {
                let randomness = new_randomness.unwrap_or_else(|| randomness(input));
                Some(threshold).filter(|threshold| threshold.samples(randomness))
            }
        };
        let ot = OtUpdate::Set { threshold: sampled_at, new_randomness };
        Self::Decided(Decided { is_sampled: sampled_at.is_some(), ot })
    }
}

/// "The SDK SHOULD issue a warning statement in its log".
fn warn_unless_random(input: &SamplingInput<'_>) {
    static WARNED: Once = Once::new();
    let is_remote = input.parent.is_some_and(|parent| parent.is_remote);
    if !is_remote || WARNED.is_completed() {
        return;
    }
    if input.parent_state.ot().randomness.is_none() && !input.parent_state.has_random_id() {
        WARNED.call_once(|| {
            tracing::warn!(
                "the probability sampler presumes that trace ids are random, but a caller does not set the random flag: \
                 callers need W3C Trace Context Level 2"
            );
        });
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
        let no_parent = Context::new();
        let parent_context = parent_context.unwrap_or(&no_parent);
        let input = SamplingInput {
            parent: ParentSampling::from_context(parent_context),
            parent_state: &parent_context,
            trace_id,
            has_random_ids: true,
            new_randomness: &|| 0,
            kind: span_kind,
            attributes: &attributes,
        };
        match self.evaluate(&input) {
            Verdict::Decided(decided) => decided.into_result(parent_context),
            Verdict::Delegate(sampler) => sampler.should_sample(
                Some(parent_context),
                trace_id,
                name,
                span_kind,
                attributes,
                links,
            ),
        }
    }
}

impl Decided {
    /// Returns the decision in the form of the SDK.
    pub(in crate::trace) fn into_result(self, parent: &Context) -> SamplingResult {
        let trace_state = parent.span().span_context().trace_state().clone();
        SamplingResult {
            decision: match self.is_sampled {
                true => SdkDecision::RecordAndSample,
                false => SdkDecision::Drop,
            },
            attributes: Vec::new(),
            trace_state: self.ot.apply(trace_state),
        }
    }
}
