/// Returns the value of a lowercase hex digit, or `0xff`.
pub(super) const fn nibble(digit: u8) -> u8 {
    let (decimal, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    if decimal < 10 {
        decimal
    } else if letter < 6 {
        letter + 10
    } else {
        0xff
    }
}

/// Parses at most 32 lowercase hex digits. An empty slice is zero.
pub(super) fn number(digits: &[u8]) -> Option<u128> {
    if digits.len() > 32 {
        return None;
    }
    digits.iter().try_fold(0, |number, &digit| match nibble(digit) {
        0xff => None,
        nibble => Some(number << 4 | u128::from(nibble)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_from_the_most_significant() {
        assert_eq!(number(b"0123456789abcdef"), Some(0x0123_4567_89ab_cdef));
        assert_eq!(number(&[b'f'; 32]), Some(u128::MAX));
        assert_eq!(number(b""), Some(0));
    }

    #[test]
    fn other_characters_and_too_many_digits_are_refused() {
        for digits in ["g", "-1", "+1", "0x1", " 1", "A", "é", &"0".repeat(33)] {
            assert_eq!(number(digits.as_bytes()), None, "{digits:?}");
        }
    }
}
