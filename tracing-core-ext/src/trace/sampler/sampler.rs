use std::{any::Any, sync::Arc};

use opentelemetry::TraceId;
use opentelemetry_sdk::trace::{Sampler as SdkSampler, ShouldSample};

use super::{
    composable::{ComposableSampler, threshold},
    parent_based::ParentBased,
    rate_limit::TokenBucket,
    ratio::TraceIdRatio,
    rules::SamplingRules,
};
use crate::{
    base::error::TelemetryError,
    propagation::{extracted::ParentSampling, w3c::ot_member::Threshold},
    trace::retention::policy::Retention,
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
/// In a provider of the SDK, this sampler decides without [`Retention`], because spans of the SDK cannot wait.
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
pub(crate) enum Tree {
    Probability(Threshold),
    ParentBased(Arc<ParentBased<Sampler>>),
    Composite(Arc<ComposableSampler>),
    Rules(Arc<SamplingRules<Sampler>>),
    RateLimit(Arc<RateLimit>),
    Retain(Arc<Retain>),
}

/// Sampler whose dropped traces may be kept at their end.
pub(crate) struct Retain {
    pub(super) head: Sampler,
    pub(super) retention: Arc<Retention>,
}

/// Sampler that records a limited number of traces per second.
pub(crate) struct RateLimit {
    pub(super) per_second: f64,
    pub(super) bucket: TokenBucket,
    pub(super) sampler: Sampler,
}

/// Decision about a span that is about to start.
#[derive(Clone, Copy)]
pub(crate) enum SamplingDecision<'a> {
    Drop,
    RecordAndSample,
    /// This sampler decides, after it has received the attributes of the span.
    Delegate(&'a dyn ShouldSample),
    /// This sampler decides, after it has received the parent and a view of the attributes.
    Evaluate(&'a Tree),
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

    /// Records what `head` records, and keeps other traces if they turn out to be worth it.
    ///
    /// A trace that `head` drops is recorded all the same, and its spans wait in memory until its local root,
    /// usually the span of the request, has ended. Then `retention` decides whether they are exported or discarded.
    ///
    /// Other services receive the decision of `head`, so a waiting trace has no sampled flag: a flag cannot
    /// be withdrawn later, and with it every service behind would record and export every request. A kept trace
    /// therefore contains this service's part, and those of other services only if they keep it as well. Exemplars
    /// refer only to kept traces. Exported log records of a waiting trace wait with its spans and in the same memory;
    /// their sampled flag is the decision. None is lost: those that do not fit, or whose trace is open for too long, are
    /// exported without the flag. Printed lines do not wait.
    ///
    /// All spans below a waiting one are recorded, except those that a rule of `head` drops.
    ///
    /// A recorded request costs as much as a sampled one, without the export.
    ///
    /// # Errors
    ///
    /// If a condition or a limit of `retention` is invalid.
    pub fn retain(head: Self, retention: Retention) -> Result<Self, TelemetryError> {
        retention.validate()?;
        let retain = Retain { head, retention: Arc::new(retention) };
        Ok(Self(Kind::Tree(Tree::Retain(Arc::new(retain)))))
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
    pub(crate) fn decide(
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
            Self::Retain(_) => false,
        }
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
