//! Conditions under which a trace is kept although its head sampler drops it.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    base::error::TelemetryError,
    trace::sampler::{
        input::{Matching, SamplingInput},
        rules::span_match::SpanMatch,
    },
};

const MAX_BYTES: usize = 32 << 20;
const MAX_AGE: Duration = Duration::from_secs(60);
const ALLOWED_BYTES: RangeInclusive<usize> = 64 << 10..=16 << 30;

/// Keeps traces that failed or were slow, for [`Sampler::retain`](super::super::Sampler::retain).
///
/// By default a trace is kept if any of its spans has the status `Error`.
///
/// ```
/// use std::time::Duration;
///
/// use tracing_core_ext::trace::{Retention, Sampler, SpanMatch};
///
/// # fn main() -> Result<(), tracing_core_ext::telemetry::TelemetryError> {
/// let retention = Retention::new()
///     .slower_than_for(SpanMatch::new().path("/reports/*"), Duration::from_secs(10))
///     .slower_than(Duration::from_millis(500))
///     .matching(SpanMatch::new().attribute("http.response.status_code", "429"));
/// let one_in_a_hundred = Sampler::parent_based(Sampler::probability(0.01)?);
/// let sampler = Sampler::retain(one_in_a_hundred, retention)?;
/// # drop(sampler);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it has no effect without Sampler::retain()"]
pub struct Retention {
    pub(crate) keeps_failed: bool,
    /// Thresholds of matching roots. The first match wins.
    pub(crate) slow_matching: Vec<(SpanMatch, Duration)>,
    pub(crate) slow: Option<Duration>,
    pub(crate) matching: Vec<SpanMatch>,
    pub(crate) limits: HoldLimits,
}

/// Limits of the spans that wait for a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HoldLimits {
    /// Memory of the waiting spans of all traces of a provider.
    pub(crate) bytes: usize,
    /// Time for which the spans of a trace wait.
    pub(crate) age: Duration,
}

impl HoldLimits {
    pub(crate) const DEFAULT: Self = Self { bytes: MAX_BYTES, age: MAX_AGE };
}

impl Retention {
    /// Keeps traces in which a span failed.
    pub const fn new() -> Self {
        Self {
            keeps_failed: true,
            slow_matching: Vec::new(),
            slow: None,
            matching: Vec::new(),
            limits: HoldLimits::DEFAULT,
        }
    }

    /// Sets whether a trace is kept if any span of it has the status `Error`. The default is `true`.
    pub const fn failed(mut self, keeps_failed: bool) -> Self {
        self.keeps_failed = keeps_failed;
        self
    }

    /// Keeps a trace whose local root takes longer than `threshold`.
    pub const fn slower_than(mut self, threshold: Duration) -> Self {
        self.slow = Some(threshold);
        self
    }

    /// Keeps a trace whose local root matches and takes longer than `threshold`. The first threshold that matches is
    /// used, and that of [`slower_than`](Self::slower_than) if none does. The conditions are compared with the
    /// attributes that the span has at its end.
    pub fn slower_than_for(mut self, conditions: SpanMatch, threshold: Duration) -> Self {
        self.slow_matching.push((conditions, threshold));
        self
    }

    /// Keeps a trace whose local root matches at its end, for example by `http.response.status_code`.
    pub fn matching(mut self, conditions: SpanMatch) -> Self {
        self.matching.push(conditions);
        self
    }

    /// Limits the memory of all spans and log records that wait for a decision. The default is 32 MiB, the minimum 64 KiB. Spans beyond
    /// the limit are discarded and counted. The local root never waits, so it is kept with any number of other spans.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Limits the time for which spans of a trace wait for the end of its local root. The default is one minute. The
    /// waiting spans of an older trace are discarded and counted, unless it is already slow.
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.limits.age = age;
        self
    }

    pub(crate) fn validate(&self) -> Result<(), TelemetryError> {
        let slow = self.slow_matching.iter().map(|(conditions, _)| conditions);
        slow.chain(&self.matching).try_for_each(SpanMatch::validate)?;
        if !ALLOWED_BYTES.contains(&self.limits.bytes) {
            let expected = format!("{} to {} bytes", ALLOWED_BYTES.start(), ALLOWED_BYTES.end());
            let value = self.limits.bytes.to_string();
            return Err(TelemetryError::setting("Retention::max_bytes()", value, expected));
        }
        if self.limits.age.is_zero() {
            let expected = "a duration of more than 0";
            return Err(TelemetryError::setting("Retention::max_age()", "0ns", expected));
        }
        Ok(())
    }

    /// Whether a trace is kept because of its local root, which has ended.
    pub(crate) fn keeps(&self, root: &SamplingInput<'_>, duration: Duration) -> bool {
        let matches = |conditions: &SpanMatch| conditions.compare(root) == Matching::Yes;
        let threshold = self.slow_matching.iter().find(|(conditions, _)| matches(conditions));
        let threshold = threshold.map(|(_, threshold)| *threshold).or(self.slow);
        threshold.is_some_and(|threshold| duration > threshold) || self.matching.iter().any(matches)
    }

    /// Returns the time after which every trace is slow, whatever its root is.
    pub(crate) fn always_slow_after(&self) -> Option<Duration> {
        let slowest = self.slow_matching.iter().map(|(_, threshold)| *threshold).max();
        self.slow.map(|slow| slowest.map_or(slow, |slowest| slowest.max(slow)))
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self::new()
    }
}
