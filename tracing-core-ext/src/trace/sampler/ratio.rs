//! Conversion of ratios into thresholds.

use opentelemetry::TraceId;

use crate::propagation::w3c::ot_member::Threshold;

/// Sampling threshold: a trace is sampled if `low_64_bits(trace_id) >> 1` is below it, the rule of the SDK's
/// `TraceIdRatioBased`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceIdRatio(u64);

impl TraceIdRatio {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(u64::MAX);

    pub(crate) const fn from_ratio(ratio: f64) -> Self {
        if ratio >= 1.0 {
            return Self::ALL;
        }
        // `as` turns negative numbers and NaN into 0.
        Self((ratio * (1u64 << 63) as f64) as u64)
    }

    #[inline]
    pub(crate) fn samples(self, trace_id: TraceId) -> bool {
        if self == Self::ALL {
            return true;
        }
        let lower_half = u128::from_be_bytes(trace_id.to_bytes()) as u64;
        lower_half >> 1 < self.0
    }

    pub(crate) fn ratio(self) -> f64 {
        if self == Self::ALL { 1.0 } else { self.0 as f64 / (1u64 << 63) as f64 }
    }
}

/// "SDKs are recommended to use 4 digits of precision by default".
const PRECISION: i32 = 4;
const DIGITS: i32 = 14;

/// Smallest ratio of a probability sampler: 2^-56.
pub(crate) const MIN_RATIO: f64 = 1.0 / Threshold::MAX as f64;

/// Returns the threshold for a ratio from 2^-56 to 1, rounded to four digits after the leading `f`s: OpenTelemetry
/// specification, "Converting floating-point probability to threshold value".
pub(crate) fn threshold(ratio: f64) -> Threshold {
    // A product with a power of two is exact, and a ratio below 1 has at most 53 bits.
    let accepted = (ratio * Threshold::MAX as f64).round() as u64;
    let rejected = Threshold::MAX.saturating_sub(accepted);
    // Number of leading `f`s of the rejected share.
    let leading = (-exponent(ratio)).max(0) / 4;
    let digits = (PRECISION + leading).min(DIGITS);
    let unit = 1_u64 << (4 * (DIGITS - digits));
    Threshold::new((rejected + unit / 2) / unit * unit)
}

/// Returns the exponent `e` of `ratio = f * 2^e` with `f` from 0.5 to 1.
fn exponent(ratio: f64) -> i32 {
    const BIAS: i32 = 1022;
    (ratio.to_bits() >> 52) as i32 - BIAS
}

/// Returns the share of spans that a threshold accepts.
pub(crate) fn ratio(threshold: Threshold) -> f64 {
    (Threshold::MAX - threshold.rejected()) as f64 / Threshold::MAX as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thresholds_are_those_of_the_specification() {
        for (n, expected) in [
            (1.0, "0"),
            (2.0, "8"),
            (3.0, "aaab"),
            (4.0, "c"),
            (5.0, "cccd"),
            (8.0, "e"),
            (10.0, "e666"),
            (16.0, "f"),
            (100.0, "fd70a"),
            (1000.0, "ffbe77"),
            (10_000.0, "fff9724"),
            (100_000.0, "ffff583a"),
            (1_000_000.0, "ffffef39"),
        ] {
            assert_eq!(threshold(1.0 / n).to_string(), expected, "1 in {n}");
        }
        assert_eq!(threshold(MIN_RATIO).to_string(), "ffffffffffffff");
        assert_eq!(threshold(0.75).to_string(), "4");
        assert_eq!(threshold(0.999_999_9).to_string(), "0");
    }

    proptest! {
        #[test]
        fn a_threshold_accepts_the_ratio_with_four_digits(ratio in 1e-12..1.0f64) {
            let accepted = super::ratio(threshold(ratio));
            prop_assert!((accepted - ratio).abs() <= ratio.max(1.0 / 16.0) / 4096.0, "{ratio} {accepted}");
        }

        #[test]
        fn a_higher_ratio_never_rejects_more(one in 1e-12..1.0f64, other in 1e-12..1.0f64) {
            let (low, high) = (one.min(other), one.max(other));
            prop_assert!(threshold(high) <= threshold(low));
        }
    }
}
