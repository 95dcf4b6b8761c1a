//! The `ot` member of a `tracestate`: OpenTelemetry specification, "TraceState Handling".

use std::{fmt, fmt::Write as _};

use opentelemetry::trace::TraceState;

/// Key of the member.
pub(crate) const OT: &str = "ot";

/// Longest value of a member: W3C Trace Context Level 2, "Value".
const MAX_LENGTH: usize = 256;
/// Number of hexadecimal digits of 56 bits.
const DIGITS: usize = 14;

/// Number of spans of 2^56 that are rejected: the sub-key `th`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Threshold(u64);

/// 56 bits that all samplers of a trace compare with their thresholds: the sub-key `rv`, or the last 7 bytes of the
/// trace ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Randomness(u64);

/// Sampling values of a parent. Invalid ones are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OtValues {
    pub(crate) threshold: Option<Threshold>,
    pub(crate) randomness: Option<Randomness>,
}

/// Change of the member by a sampler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OtUpdate {
    /// The list is propagated as it is.
    #[default]
    Keep,
    /// `th` is replaced, or removed if it is `None`. `rv` is added if the parent has none.
    Set { threshold: Option<Threshold>, new_randomness: Option<Randomness> },
}

impl Threshold {
    /// Number of different values: 2^56.
    pub(crate) const MAX: u64 = 1 << 56;
    /// Threshold that rejects nothing.
    pub(crate) const ALL: Self = Self(0);

    /// Returns the threshold that rejects `rejected` of 2^56 spans. It is at most 2^56 - 1.
    pub(crate) const fn new(rejected: u64) -> Self {
        Self(if rejected < Self::MAX { rejected } else { Self::MAX - 1 })
    }

    /// Returns the number of rejected spans of 2^56.
    pub(crate) const fn rejected(self) -> u64 {
        self.0
    }

    /// Whether a span with this randomness is sampled.
    #[inline]
    pub(crate) fn samples(self, randomness: Randomness) -> bool {
        randomness.0 >= self.0
    }

    /// "Valid values of the `th` sub-fields include between 1 and 14 lowercase hexadecimal digits"; missing digits at
    /// the end are zeros.
    fn parse(text: &str) -> Option<Self> {
        let digits = u32::try_from(text.len()).ok().filter(|digits| (1..=14).contains(digits))?;
        Some(Self(parse_hex(text)? << (4 * (14 - digits))))
    }
}

impl fmt::Display for Threshold {
    /// Writes the digits without trailing zeros, or `0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:014x}", self.0);
        let digits = digits.trim_end_matches('0');
        f.write_str(if digits.is_empty() { "0" } else { digits })
    }
}

impl Randomness {
    /// Returns the lower 56 bits.
    pub(crate) const fn new(bits: u64) -> Self {
        Self(bits & (Threshold::MAX - 1))
    }

    /// "Values of `rv` MUST be exactly 14 lower-case hexadecimal digits".
    fn parse(text: &str) -> Option<Self> {
        (text.len() == DIGITS).then(|| parse_hex(text).map(Self))?
    }
}

impl fmt::Display for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014x}", self.0)
    }
}

impl OtValues {
    /// Reads the value of the member. Sub-keys with an invalid value, and a list that is no list, are ignored.
    pub(crate) fn parse(member: &str) -> Self {
        let mut values = Self::default();
        for (key, value) in entries(member) {
            match key {
                "th" => values.threshold = values.threshold.or_else(|| Threshold::parse(value)),
                "rv" => values.randomness = values.randomness.or_else(|| Randomness::parse(value)),
                _ => {}
            }
        }
        values
    }
}

impl OtUpdate {
    /// Update by a sampler that does not know the share of the spans that it records.
    pub(crate) const ERASE: Self = Self::Set { threshold: None, new_randomness: None };

    /// Returns the list with the changed member, which is the first one: W3C Trace Context, "Mutating the tracestate
    /// Field".
    #[inline]
    pub(crate) fn apply(self, state: TraceState) -> TraceState {
        match self {
            Self::Keep => state,
            Self::Set { threshold, new_randomness } => set(state, threshold, new_randomness),
        }
    }

    /// Whether a list without an `ot` member stays as it is.
    pub(crate) const fn adds_nothing(self) -> bool {
        matches!(self, Self::Keep | Self::Set { threshold: None, new_randomness: None })
    }
}

#[cold]
fn set(
    state: TraceState,
    threshold: Option<Threshold>,
    new_randomness: Option<Randomness>,
) -> TraceState {
    let member = state.get(OT).unwrap_or_default();
    if threshold.is_none()
        && new_randomness.is_none()
        && OtValues::parse(member).threshold.is_none()
    {
        return state;
    }
    let mut changed = String::with_capacity(member.len() + 24);
    if let Some(threshold) = threshold {
        let _ = write!(changed, "th:{threshold}");
    }
    // An explicit value of the parent is never replaced.
    let randomness = new_randomness.filter(|_| OtValues::parse(member).randomness.is_none());
    let has_randomness = randomness.is_some();
    if let Some(randomness) = randomness {
        push(&mut changed, "rv", &randomness.to_string());
    }
    for (key, value) in entries(member) {
        let is_replaced = key == "th" || (key == "rv" && has_randomness);
        if !is_replaced && changed.len() + key.len() + value.len() + 2 <= MAX_LENGTH {
            push(&mut changed, key, value);
        }
    }
    let result = match changed.is_empty() {
        true => state.delete(OT),
        false => state.insert(OT, changed),
    };
    result.unwrap_or(state)
}

fn push(list: &mut String, key: &str, value: &str) {
    if !list.is_empty() {
        list.push(';');
    }
    list.push_str(key);
    list.push(':');
    list.push_str(value);
}

/// Returns the valid entries: `key = lcalpha *(lcalpha / DIGIT)`, and a value of letters, digits, `.`, `_` and `-`.
fn entries(member: &str) -> impl Iterator<Item = (&str, &str)> {
    member.split(';').filter_map(|entry| entry.split_once(':')).filter(|(key, value)| {
        let starts_well = key.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        let is_key = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_value =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        starts_well && key.bytes().all(is_key) && value.bytes().all(is_value)
    })
}

fn parse_hex(text: &str) -> Option<u64> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_valid = text.bytes().all(is_digit);
    is_valid.then(|| u64::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(list: &str) -> TraceState {
        list.parse().unwrap()
    }

    fn changed(list: &str, threshold: Option<&str>) -> String {
        let threshold = threshold.map(|text| Threshold::parse(text).unwrap());
        OtUpdate::Set { threshold, new_randomness: None }.apply(state(list)).header()
    }

    #[test]
    fn thresholds_are_decoded_with_trailing_zeros() {
        for (text, expected) in [
            ("0", Some(0)),
            ("c", Some(0xc0_0000_0000_0000)),
            ("fd70a4", Some(0xfd_70a4_0000_0000)),
            ("ffffffffffffff", Some(Threshold::MAX - 1)),
            ("00000000000001", Some(1)),
            ("", None),
            ("000000000000000", None),
            ("C", None),
            ("0x1", None),
            ("+1", None),
        ] {
            assert_eq!(Threshold::parse(text).map(Threshold::rejected), expected, "{text:?}");
        }
    }

    #[test]
    fn randomness_has_exactly_14_digits() {
        for (text, is_valid) in [
            ("6e6d1a75832a2f", true),
            ("00000000000000", true),
            ("6e6d1a75832a2", false),
            ("6e6d1a75832a2f0", false),
            ("6E6D1A75832A2F", false),
            ("", false),
        ] {
            assert_eq!(Randomness::parse(text).is_some(), is_valid, "{text:?}");
        }
    }

    #[test]
    fn the_threshold_is_set_and_other_sub_keys_are_kept() {
        for (list, threshold, expected) in [
            ("", Some("8"), "ot=th:8"),
            ("a=1", Some("0"), "ot=th:0,a=1"),
            ("a=1,ot=p:8;th:c;r:62", Some("8"), "ot=th:8;p:8;r:62,a=1"),
            ("a=1,ot=rv:6e6d1a75832a2f", Some("8"), "ot=th:8;rv:6e6d1a75832a2f,a=1"),
            ("a=1,ot=th:c", None, "a=1"),
            ("a=1,ot=th:c;k:1", None, "ot=k:1,a=1"),
            ("a=1,ot=k:1", None, "a=1,ot=k:1"),
            ("", None, ""),
        ] {
            assert_eq!(changed(list, threshold), expected, "{list}");
        }
    }

    #[test]
    fn an_invalid_member_is_replaced_by_a_valid_one() {
        for (list, expected) in [
            ("ot=???", "ot=th:8"),
            ("ot=th", "ot=th:8"),
            ("ot=th:xyz;a:1", "ot=th:8;a:1"),
            ("ot=TH:1;:2;1a:3;b:4", "ot=th:8;b:4"),
            ("ot=;;", "ot=th:8"),
        ] {
            assert_eq!(changed(list, Some("8")), expected, "{list}");
        }
        let values = OtValues::parse("th:xyz;rv:12;th:c");
        assert_eq!(values, OtValues { threshold: Threshold::parse("c"), randomness: None });
    }

    #[test]
    fn explicit_randomness_is_added_once_and_never_replaced() {
        let new_randomness = Some(Randomness::new(0xff));
        let set =
            |list| OtUpdate::Set { threshold: None, new_randomness }.apply(state(list)).header();
        assert_eq!(set("a=1"), "ot=rv:000000000000ff,a=1");
        assert_eq!(set("ot=rv:bad"), "ot=rv:000000000000ff");
        assert_eq!(set("ot=rv:6e6d1a75832a2f"), "ot=rv:6e6d1a75832a2f");
    }

    #[test]
    fn a_value_of_more_than_256_characters_is_never_written() {
        let long = format!("ot=a:{}", "v".repeat(252));
        assert_eq!(changed(&long, Some("8")), "ot=th:8");
    }

    proptest! {
        #[test]
        fn every_threshold_is_written_as_it_is_read(rejected in 0..Threshold::MAX) {
            let threshold = Threshold::new(rejected);
            prop_assert_eq!(Threshold::parse(&threshold.to_string()), Some(threshold));
        }

        #[test]
        fn thresholds_compare_as_their_digits_do(rejected in 0..Threshold::MAX, bits in 0..Threshold::MAX) {
            let (threshold, randomness) = (Threshold::new(rejected), Randomness::new(bits));
            let digits = format!("{:0<14}", threshold.to_string());
            prop_assert_eq!(threshold.samples(randomness), randomness.to_string() >= digits);
        }

        #[test]
        fn any_member_leads_to_a_valid_list(member in "[!-~&&[^,=]]{1,256}", rejected in 0..Threshold::MAX) {
            let Ok(list) = TraceState::from_key_value([("ot", member.as_str()), ("z", "1")]) else { return Ok(()) };
            let threshold = Some(Threshold::new(rejected));
            let changed = OtUpdate::Set { threshold, new_randomness: None }.apply(list.clone());
            prop_assert_eq!(OtValues::parse(changed.get("ot").unwrap()).threshold, threshold);
            prop_assert!(changed.get("ot").unwrap().len() <= MAX_LENGTH);
            prop_assert_eq!(changed.get("z"), Some("1"));
            let erased = OtUpdate::Set { threshold: None, new_randomness: None }.apply(changed);
            prop_assert!(erased.get("ot").is_none_or(|it| OtValues::parse(it).threshold.is_none()));
        }
    }
}
