use std::{error::Error, fmt, str::FromStr};

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use crate::propagation::hex::nibble;

/// Length of a `traceparent` of version 00, and of the part of a later version that is parsed.
const LEN: usize = 55;

/// The random-trace-id flag of Level 2: the last 7 bytes of the trace id are random.
pub(crate) const RANDOM: TraceFlags = TraceFlags::new(0x02);

/// Sampled and random flags. All other flags must be sent as zero.
const KNOWN_FLAGS: u8 = 0x03;

/// Valid `traceparent`: the trace of a request, and the span that sent it.
///
/// Parsing does not allocate.
///
/// ```
/// use tracing_core_ext::propagation::TraceParent;
///
/// let parent: TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse()?;
/// assert_eq!(parent.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
/// assert!(parent.flags().is_sampled());
///
/// let error = "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01".parse::<TraceParent>();
/// assert_eq!(
///     error.unwrap_err().to_string(),
///     "invalid traceparent: no lowercase hex digit at byte 4"
/// );
/// # Ok::<(), tracing_core_ext::propagation::TraceParentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: TraceId,
    parent_id: SpanId,
    flags: TraceFlags,
}

impl TraceParent {
    /// Returns the `traceparent` that makes this span the parent in the next service, or `None` if
    /// the span context is not valid.
    pub fn from_span_context(span_context: &SpanContext) -> Option<Self> {
        span_context.is_valid().then(|| Self {
            trace_id: span_context.trace_id(),
            parent_id: span_context.span_id(),
            flags: TraceFlags::new(span_context.trace_flags().to_u8() & KNOWN_FLAGS),
        })
    }

    /// Returns the remote span that sent this header, with the `tracestate` received with it.
    pub fn into_span_context(self, trace_state: TraceState) -> SpanContext {
        SpanContext::new(self.trace_id, self.parent_id, self.flags, true, trace_state)
    }

    /// Returns the id of the trace, which is never all zero.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Returns the id of the span that sent the request, which is never all zero.
    pub fn parent_id(&self) -> SpanId {
        self.parent_id
    }

    /// Returns the sampled (`0x01`) and random (`0x02`) flags. Other flags are not kept.
    pub fn flags(&self) -> TraceFlags {
        self.flags
    }

    pub(crate) fn is_random(&self) -> bool {
        self.flags & RANDOM == RANDOM
    }

    pub(crate) fn with_random(self) -> Self {
        Self { flags: self.flags | RANDOM, ..self }
    }

    /// Returns the header value, always in version 00.
    pub fn to_bytes(&self) -> [u8; LEN] {
        let mut bytes = *b"00-00000000000000000000000000000000-0000000000000000-00";
        encode(&self.trace_id.to_bytes(), &mut bytes[3..35]);
        encode(&self.parent_id.to_bytes(), &mut bytes[36..52]);
        encode(&[self.flags.to_u8()], &mut bytes[53..55]);
        bytes
    }
}

impl TryFrom<&[u8]> for TraceParent {
    type Error = TraceParentError;

    // W3C Trace Context Level 2, "traceparent Header Field Values":
    //
    //   HEXDIGLC       = DIGIT / "a" / "b" / "c" / "d" / "e" / "f"
    //   value          = version "-" version-format
    //   version        = 2HEXDIGLC   ; ff is forbidden
    //   version-format = trace-id "-" parent-id "-" trace-flags
    //   trace-id       = 32HEXDIGLC  ; all zeroes forbidden
    //   parent-id      = 16HEXDIGLC  ; all zeroes forbidden
    //   trace-flags    = 2HEXDIGLC
    //
    // and "Versioning of traceparent": a version above 00 is parsed by these 55 bytes, which end
    // the value or are followed by a dash.
    fn try_from(value: &[u8]) -> Result<Self, Self::Error> {
        let Some((fields, rest)) = value.split_first_chunk::<LEN>() else {
            return Err(TraceParentError::new(Reason::TooShort, value.len()));
        };
        for at in DASHES {
            if fields[at] != b'-' {
                return Err(TraceParentError::new(Reason::NoDash, at));
            }
        }
        let Digits { version, trace_id, parent_id, flags } = Digits::decode(fields)?;
        match version {
            0xff => return Err(TraceParentError::new(Reason::ForbiddenVersion, 0)),
            0x00 if !rest.is_empty() => return Err(TraceParentError::new(Reason::TooLong, LEN)),
            _ if rest.first().is_some_and(|&byte| byte != b'-') => {
                return Err(TraceParentError::new(Reason::NoDash, LEN));
            }
            _ => {}
        }
        if trace_id == 0 {
            return Err(TraceParentError::new(Reason::AllZero, 3));
        }
        if parent_id == 0 {
            return Err(TraceParentError::new(Reason::AllZero, 36));
        }
        Ok(Self {
            trace_id: TraceId::from(trace_id),
            parent_id: SpanId::from(parent_id),
            flags: TraceFlags::new(flags & KNOWN_FLAGS),
        })
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::try_from(value.as_bytes())
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(&self.to_bytes()).map_err(|_| fmt::Error)?)
    }
}

const DASHES: [usize; 3] = [2, 35, 52];

/// Fields between the dashes. The dashes are not checked here.
struct Digits {
    version: u8,
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

impl Digits {
    fn decode(fields: &[u8; LEN]) -> Result<Self, TraceParentError> {
        let mut wrong = 0;
        let nibbles = nibbles(fields, &mut wrong);
        if wrong > 0x0f {
            return Err(TraceParentError::new(Reason::NoDigit, first_wrong(fields)));
        }
        Ok(Self {
            version: nibbles[0] << 4 | nibbles[1],
            trace_id: u128::from(pack(&nibbles, 3)) << 64 | u128::from(pack(&nibbles, 19)),
            parent_id: pack(&nibbles, 36),
            flags: nibbles[53] << 4 | nibbles[54],
        })
    }
}

/// Returns the values of all digits in sequence, without other operations, so that the compiler
/// processes sixteen at once.
fn nibbles(fields: &[u8; LEN], wrong: &mut u8) -> [u8; 64] {
    let mut nibbles = [b'0'; 64];
    nibbles[..LEN].copy_from_slice(fields);
    for dash in DASHES {
        nibbles[dash] = b'0';
    }
    for value in &mut nibbles {
        *value = nibble(*value);
        *wrong |= *value;
    }
    nibbles
}

/// Returns the sixteen nibbles from `start` as a number.
fn pack(nibbles: &[u8; 64], start: usize) -> u64 {
    let [high, low] = [start, start + 8].map(|at| {
        let mut word = [0; 8];
        word.copy_from_slice(&nibbles[at..at + 8]);
        let nibbles = u64::from_be_bytes(word);
        let bytes = ((nibbles >> 4) | nibbles) & 0x00ff_00ff_00ff_00ff;
        let pairs = ((bytes >> 8) | bytes) & 0x0000_ffff_0000_ffff;
        ((pairs >> 16) | pairs) & 0xffff_ffff
    });
    high << 32 | low
}

fn first_wrong(fields: &[u8; LEN]) -> usize {
    let is_wrong = |at: &usize| !DASHES.contains(at) && nibble(fields[*at]) > 0x0f;
    (0..LEN).find(is_wrong).unwrap_or(LEN)
}

fn encode(bytes: &[u8], digits: &mut [u8]) {
    const HEXDIGLC: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(digits.chunks_exact_mut(2)) {
        pair[0] = HEXDIGLC[usize::from(byte >> 4)];
        pair[1] = HEXDIGLC[usize::from(byte & 0x0f)];
    }
}

/// Reason why a `traceparent` is invalid, with the position in the value.
///
/// The message contains a position and never the received bytes, so it is safe to log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParentError {
    reason: Reason,
    at: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    TooShort,
    TooLong,
    NoDash,
    NoDigit,
    ForbiddenVersion,
    AllZero,
}

impl TraceParentError {
    /// Creates an error. Every position is below 56, for any input.
    fn new(reason: Reason, at: usize) -> Self {
        Self { reason, at: at as u8 }
    }
}

impl fmt::Display for TraceParentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match self.reason {
            Reason::TooShort => write!(f, "invalid traceparent: ends at byte {at} of 55"),
            Reason::TooLong => write!(f, "invalid traceparent: version 00 goes on at byte {at}"),
            Reason::NoDash => write!(f, "invalid traceparent: no dash at byte {at}"),
            Reason::NoDigit => {
                write!(f, "invalid traceparent: no lowercase hex digit at byte {at}")
            }
            Reason::ForbiddenVersion => write!(f, "invalid traceparent: version ff at byte {at}"),
            Reason::AllZero => write!(f, "invalid traceparent: all-zero id at byte {at}"),
        }
    }
}

impl fmt::Debug for TraceParentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceParentError({:?} at {})", self.reason, self.at)
    }
}

impl Error for TraceParentError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALID: &str = "00-12345678901234567890123456789012-1234567890123456-01";

    fn parse(value: impl AsRef<[u8]>) -> Result<TraceParent, TraceParentError> {
        TraceParent::try_from(value.as_ref())
    }

    fn refusal(value: impl AsRef<[u8]>) -> String {
        parse(value).expect_err("accepted").to_string()
    }

    #[track_caller]
    fn assert_refused(value: &str, message: &str) {
        assert_eq!(refusal(value), format!("invalid traceparent: {message}"));
    }

    #[test]
    fn a_valid_value_is_read_field_by_field() {
        let parent = parse(VALID).unwrap();

        assert_eq!(parent.trace_id(), TraceId::from(0x1234_5678_9012_3456_7890_1234_5678_9012));
        assert_eq!(parent.parent_id(), SpanId::from(0x1234_5678_9012_3456));
        assert_eq!(parent.flags(), TraceFlags::SAMPLED);
    }

    #[test]
    fn every_hex_digit_is_read() {
        let value = "00-0123456789abcdeffedcba9876543210-0f1e2d3c4b5a6978-00";

        assert_eq!(parse(value).unwrap().to_string(), value);
    }

    #[test]
    fn version_00_must_end_after_the_flags() {
        assert_refused(&format!("{VALID}."), "version 00 goes on at byte 55");
        assert_refused(
            &format!("{VALID}-what-the-future-will-be-like"),
            "version 00 goes on at byte 55",
        );
    }

    #[test]
    fn a_future_version_is_read_by_its_first_55_bytes() {
        let future = VALID.replacen("00", "cc", 1);

        for end in ["", "-", "-what-the-future-will-be-like"] {
            assert_eq!(parse(format!("{future}{end}")), parse(VALID), "{end:?}");
        }
    }

    #[test]
    fn a_future_version_must_go_on_with_a_dash() {
        let future = VALID.replacen("00", "cc", 1);

        assert_refused(&format!("{future}.what"), "no dash at byte 55");
        assert_refused(&future[..54], "ends at byte 54 of 55");
    }

    #[test]
    fn version_ff_is_refused() {
        assert_refused(&VALID.replacen("00", "ff", 1), "version ff at byte 0");
    }

    #[test]
    fn a_version_of_other_than_two_hex_digits_is_refused() {
        assert_refused(&VALID.replacen("00", ".0", 1), "no lowercase hex digit at byte 0");
        assert_refused(&VALID.replacen("00", "0.", 1), "no lowercase hex digit at byte 1");
        assert_refused(&VALID.replacen("00", "+1", 1), "no lowercase hex digit at byte 0");
        assert_refused(&VALID.replacen("00", "000", 1), "no dash at byte 2");
        assert_refused(&VALID.replacen("00", "0000", 1), "no dash at byte 2");
        assert_refused(&VALID.replacen("00", "0", 1), "ends at byte 54 of 55");
    }

    #[test]
    fn a_trace_id_of_other_than_32_lowercase_hex_digits_is_refused() {
        assert_refused(
            "00-.2345678901234567890123456789012-1234567890123456-01",
            "no lowercase hex digit at byte 3",
        );
        assert_refused(
            "00-1234567890123456789012345678901.-1234567890123456-01",
            "no lowercase hex digit at byte 34",
        );
        assert_refused(
            "00-1234567890123456789012345678901A-1234567890123456-01",
            "no lowercase hex digit at byte 34",
        );
        assert_refused(
            "00-+2345678901234567890123456789012-1234567890123456-01",
            "no lowercase hex digit at byte 3",
        );
        assert_refused(
            "00-123456789012345678901234567890123-1234567890123456-01",
            "no dash at byte 35",
        );
        assert_refused(
            "00-1234567890123456789012345678901-1234567890123456-01",
            "ends at byte 54 of 55",
        );
    }

    #[test]
    fn a_parent_id_of_other_than_16_lowercase_hex_digits_is_refused() {
        assert_refused(
            "00-12345678901234567890123456789012-.234567890123456-01",
            "no lowercase hex digit at byte 36",
        );
        assert_refused(
            "00-12345678901234567890123456789012-123456789012345.-01",
            "no lowercase hex digit at byte 51",
        );
        assert_refused(
            "00-12345678901234567890123456789012-12345678901234567-01",
            "no dash at byte 52",
        );
        assert_refused(
            "00-12345678901234567890123456789012-123456789012345-01",
            "ends at byte 54 of 55",
        );
    }

    #[test]
    fn flags_of_other_than_two_lowercase_hex_digits_are_refused() {
        let start = &VALID[..53];

        assert_refused(&format!("{start}.0"), "no lowercase hex digit at byte 53");
        assert_refused(&format!("{start}0."), "no lowercase hex digit at byte 54");
        assert_refused(&format!("{start}0A"), "no lowercase hex digit at byte 54");
        assert_refused(&format!("{start}001"), "version 00 goes on at byte 55");
        assert_refused(&format!("{start}1"), "ends at byte 54 of 55");
    }

    #[test]
    fn an_all_zero_id_is_refused() {
        assert_refused(
            "00-00000000000000000000000000000000-1234567890123456-01",
            "all-zero id at byte 3",
        );
        assert_refused(
            "00-12345678901234567890123456789012-0000000000000000-01",
            "all-zero id at byte 36",
        );
    }

    #[test]
    fn an_empty_value_is_refused() {
        assert_refused("", "ends at byte 0 of 55");
    }

    #[test]
    fn only_the_sampled_and_random_flags_are_kept() {
        for (received, kept) in [("00", 0), ("01", 1), ("02", 2), ("03", 3), ("ff", 3), ("fc", 0)] {
            let parent = parse(format!("{}{received}", &VALID[..53])).unwrap();
            assert_eq!(parent.flags().to_u8(), kept, "{received}");
        }
    }

    #[test]
    fn unknown_flags_of_a_span_are_not_sent() {
        let span_context = SpanContext::new(
            TraceId::from(1),
            SpanId::from(2),
            TraceFlags::new(0xff),
            false,
            TraceState::NONE,
        );
        let parent = TraceParent::from_span_context(&span_context).unwrap();

        assert!(parent.to_string().ends_with("-03"));
    }

    #[test]
    fn an_invalid_span_context_has_no_traceparent() {
        assert_eq!(TraceParent::from_span_context(&SpanContext::NONE), None);
    }

    #[test]
    fn reading_and_writing_allocate_nothing() {
        let info = allocation_counter::measure(|| {
            let parent = parse(VALID).unwrap();
            let span_context = parent.into_span_context(TraceState::NONE);
            let again = TraceParent::from_span_context(&span_context).unwrap();
            assert_eq!(again.to_bytes(), VALID.as_bytes());
            assert!(parse("nonsense").is_err());
        });

        assert_eq!(info.count_total, 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(parent) = parse(&value) {
                prop_assert_eq!(&parent.to_bytes()[3..53], &value[3..53]);
            }
        }

        #[test]
        fn one_changed_byte_is_read_or_refused(at in 0usize..55, byte in any::<u8>()) {
            let mut value = VALID.as_bytes().to_vec();
            value[at] = byte;
            match parse(&value) {
                Ok(parent) => prop_assert!(parent.into_span_context(TraceState::NONE).is_valid()),
                Err(error) => prop_assert!(error.to_string().len() < 80),
            }
        }

        #[test]
        fn whatever_is_written_reads_the_same(
            trace_id in 1u128..,
            parent_id in 1u64..,
            flags in 0u8..4,
        ) {
            let parent = TraceParent {
                trace_id: trace_id.into(),
                parent_id: parent_id.into(),
                flags: TraceFlags::new(flags),
            };
            prop_assert_eq!(parse(parent.to_bytes()), Ok(parent));
            prop_assert_eq!(parent.to_string().parse(), Ok(parent));
        }
    }
}
