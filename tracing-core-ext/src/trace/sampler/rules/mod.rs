//! Rules that select a sampler by the properties of a span.

pub(crate) mod pattern;
pub(crate) mod span_match;

use self::span_match::SpanMatch;
use super::input::{Matching, SamplingInput};
use crate::base::error::TelemetryError;

/// Rules in order, of which the first that matches selects the sampler of a span.
///
/// Samplers of rules are a [`Sampler`](super::Sampler) or a [`ComposableSampler`](super::ComposableSampler). Rules are
/// compared for every span, children as well. Without a fallback, a [`Sampler`](super::Sampler) follows the parent and
/// records spans without one, and a [`ComposableSampler`](super::ComposableSampler) drops the span.
///
/// If a [`Sampler`](super::Sampler) is selected by a route that is not known at the start, as on axum outside of the
/// router, the request is recorded, and its spans wait in memory until it ends. Then the rules are compared again, and
/// the spans are exported or discarded. Other services receive the sampled flag of the sampler that was selected
/// without the route. A layer inside of the router, or a rule by path, decides at the start. A
/// [`ComposableSampler`](super::ComposableSampler) never waits.
///
/// ```
/// use tracing_core_ext::trace::{Sampler, SamplingRules, SpanMatch};
///
/// # fn main() -> Result<(), tracing_core_ext::telemetry::TelemetryError> {
/// let sampler = SamplingRules::new()
///     .rule(SpanMatch::new().path("/health"), Sampler::always_off())
///     .rule(SpanMatch::new().route("/checkout"), Sampler::always_on())
///     .rule(SpanMatch::new().method("GET").path("/search/*"), Sampler::probability(0.05)?)
///     .fallback(Sampler::parent_based(Sampler::trace_id_ratio(0.1)))
///     .build()?;
/// # drop(sampler);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "build() makes the sampler"]
pub struct SamplingRules<S> {
    rules: Vec<Rule<S>>,
    fallback: Option<S>,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule<S> {
    pub(crate) conditions: SpanMatch,
    pub(crate) sampler: S,
}

/// Sampler that rules select.
pub(crate) struct Selected<'a, S> {
    /// `None` if no rule matches and there is no fallback.
    pub(crate) sampler: Option<&'a S>,
    /// Whether an earlier rule may match when the route is known.
    pub(crate) may_change: bool,
    /// Whether a rule with conditions has selected the sampler.
    pub(crate) is_by_rule: bool,
}

impl<S> SamplingRules<S> {
    /// Creates an empty list.
    pub const fn new() -> Self {
        Self { rules: Vec::new(), fallback: None }
    }

    /// Adds a rule after the existing ones.
    pub fn rule(mut self, conditions: SpanMatch, sampler: S) -> Self {
        self.rules.push(Rule { conditions, sampler });
        self
    }

    /// Sets the sampler of spans that match no rule.
    pub fn fallback(mut self, sampler: S) -> Self {
        self.fallback = Some(sampler);
        self
    }

    /// Checks the rules.
    ///
    /// # Errors
    ///
    /// If a condition is invalid, or if a rule can never match because all spans match an earlier one.
    pub(crate) fn validate(&self) -> Result<(), TelemetryError> {
        self.rules.iter().try_for_each(|rule| rule.conditions.validate())?;
        let catch_all = self.rules.iter().position(|rule| rule.conditions.is_unconditional());
        match catch_all.filter(|at| at + 1 < self.rules.len()) {
            None => Ok(()),
            Some(at) => Err(TelemetryError::setting(
                "SamplingRules::rule()",
                format!("rule {}", at + 2),
                format!("no rule after rule {}, which matches every span", at + 1),
            )),
        }
    }

    /// Returns the sampler of a span.
    pub(crate) fn select(&self, input: &SamplingInput<'_>) -> Selected<'_, S> {
        let mut may_change = false;
        for rule in &self.rules {
            match rule.conditions.compare(input) {
                Matching::Yes => {
                    let is_by_rule = !rule.conditions.is_unconditional();
                    return Selected { sampler: Some(&rule.sampler), may_change, is_by_rule };
                }
                Matching::No => {}
                Matching::Late => may_change = true,
            }
        }
        Selected { sampler: self.fallback.as_ref(), may_change, is_by_rule: false }
    }

    pub(crate) fn rules(&self) -> &[Rule<S>] {
        &self.rules
    }

    pub(crate) const fn fallback_sampler(&self) -> Option<&S> {
        self.fallback.as_ref()
    }
}

impl<S> Default for SamplingRules<S> {
    fn default() -> Self {
        Self::new()
    }
}
