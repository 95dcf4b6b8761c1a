//! Composable samplers: OpenTelemetry specification, "CompositeSampler".

use std::sync::Arc;

use super::{
    input::SamplingInput,
    ratio::{self, MIN_RATIO},
    rules::SamplingRules,
};
use crate::{
    base::error::TelemetryError,
    propagation::w3c::ot_member::{Randomness, Threshold},
};

/// Sampler that returns a threshold instead of a decision, for a [`Sampler::composite`](super::Sampler::composite).
///
/// The threshold is written into the `tracestate` as `ot=th:…`, so that a backend can compute how many spans each
/// recorded span represents, and so that other services decide consistently.
///
/// ```
/// use tracing_core_ext::trace::{ComposableSampler, Sampler};
///
/// # fn main() -> Result<(), tracing_core_ext::telemetry::TelemetryError> {
/// let root = ComposableSampler::probability(0.1)?;
/// let sampler = Sampler::composite(ComposableSampler::parent_threshold(root));
/// # drop(sampler);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ComposableSampler(pub(crate) Composable);

#[derive(Clone, Debug)]
pub(crate) enum Composable {
    AlwaysOff,
    /// Records every span, or those above a threshold.
    Probability(Threshold),
    ParentThreshold(Arc<ComposableSampler>),
    Rules(Arc<SamplingRules<ComposableSampler>>),
}

/// Preference of a composable sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Drop,
    /// The threshold is reliable: the adjusted count of a span can be computed from it.
    Threshold(Threshold),
    /// The span is sampled, and the share of such spans is not known.
    SampleUnknown,
}

impl ComposableSampler {
    /// Records every span.
    pub const fn always_on() -> Self {
        Self(Composable::Probability(Threshold::ALL))
    }

    /// Records no span.
    pub const fn always_off() -> Self {
        Self(Composable::AlwaysOff)
    }

    /// Records this share of all traces, from 2^-56 to 1, or nothing if it is 0.
    ///
    /// # Errors
    ///
    /// If the ratio is another number.
    pub fn probability(ratio: f64) -> Result<Self, TelemetryError> {
        let setting = "ComposableSampler::probability()";
        Ok(match threshold(setting, ratio)? {
            Some(threshold) => Self(Composable::Probability(threshold)),
            None => Self::always_off(),
        })
    }

    /// Follows the parent, and propagates its threshold. `root` decides about spans without a parent.
    pub fn parent_threshold(root: Self) -> Self {
        Self(Composable::ParentThreshold(Arc::new(root)))
    }

    /// Returns the preference. `is_by_rule` is set if a rule with conditions has selected the sampler.
    pub(crate) fn intent(&self, input: &SamplingInput<'_>, is_by_rule: &mut bool) -> Intent {
        match &self.0 {
            Composable::AlwaysOff => Intent::Drop,
            Composable::Probability(threshold) => Intent::Threshold(*threshold),
            Composable::ParentThreshold(root) => match input.parent {
                None => root.intent(input, is_by_rule),
                Some(parent) => Intent::for_parent(input, parent.is_sampled),
            },
            Composable::Rules(rules) => {
                let selected = rules.select(input);
                *is_by_rule |= selected.is_by_rule;
                let sampler = selected.sampler;
                sampler.map_or(Intent::Drop, |sampler| sampler.intent(input, is_by_rule))
            }
        }
    }

    /// Whether no trace can start here.
    pub(crate) fn starts_no_trace(&self) -> bool {
        match &self.0 {
            Composable::AlwaysOff => true,
            Composable::Probability(_) => false,
            Composable::ParentThreshold(root) => root.starts_no_trace(),
            Composable::Rules(rules) => {
                let mut samplers = rules.rules().iter().map(|rule| &rule.sampler);
                samplers.all(Self::starts_no_trace)
                    && rules.fallback_sampler().is_none_or(Self::starts_no_trace)
            }
        }
    }
}

impl SamplingRules<ComposableSampler> {
    /// Makes the sampler. Without a fallback, spans that match no rule are dropped.
    ///
    /// A rule by route does not match if the route is not known when the span starts.
    ///
    /// # Errors
    ///
    /// If a condition is invalid, or if a rule can never match because all spans match an earlier one.
    pub fn build(self) -> Result<ComposableSampler, TelemetryError> {
        self.validate()?;
        Ok(ComposableSampler(Composable::Rules(Arc::new(self))))
    }
}

impl Intent {
    /// Returns the intent of a child. The threshold of the parent is used only if it agrees with the sampled flag:
    /// "Sampling stages […] should erase the threshold when it is apparently inconsistent".
    fn for_parent(input: &SamplingInput<'_>, is_sampled: bool) -> Self {
        let threshold = input.parent_state.ot().threshold;
        let agrees = |threshold: &Threshold| threshold.samples(randomness(input)) == is_sampled;
        match threshold.filter(agrees) {
            Some(threshold) => Self::Threshold(threshold),
            None if is_sampled => Self::SampleUnknown,
            None => Self::Drop,
        }
    }
}

/// Returns the explicit randomness of the trace, or that of its ID.
pub(crate) fn randomness(input: &SamplingInput<'_>) -> Randomness {
    let explicit = input.parent.and_then(|_| input.parent_state.ot().randomness);
    explicit.unwrap_or_else(|| {
        let lower_half = u128::from_be_bytes(input.trace_id.to_bytes()) as u64;
        Randomness::new(lower_half)
    })
}

/// Returns the threshold of a ratio, or `None` if it is 0.
pub(crate) fn threshold(
    setting: &'static str,
    ratio: f64,
) -> Result<Option<Threshold>, TelemetryError> {
    if ratio == 0.0 {
        return Ok(None);
    }
    if (MIN_RATIO..=1.0).contains(&ratio) {
        return Ok(Some(ratio::threshold(ratio)));
    }
    let expected = "0, or a ratio from 2^-56 to 1 such as 0.25";
    Err(TelemetryError::setting(setting, ratio.to_string(), expected))
}
