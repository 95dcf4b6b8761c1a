//! Untrusted text in pages.

use std::fmt::Write;

/// Returns at most `most` characters. Control characters, and characters that change the direction
/// of text, are replaced by visible ones. The template escapes markup.
pub(in crate::pages) fn show(text: &str, most: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(most));
    let mut characters = text.chars();
    shown.extend(characters.by_ref().take(most).map(visible));
    if characters.next().is_some() {
        let _ = write!(shown, "… ({} bytes)", text.len());
    }
    shown
}

fn visible(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => '\u{fffd}',
        _ => c,
    }
}

/// Encodes a value of a query string.
pub(in crate::pages) fn encode(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// Returns the colour index of a service.
pub(in crate::pages) fn color(service: &str) -> u32 {
    let hash = service
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ hash >> 16) % 12
}

/// Formats a number with three digits.
pub(in crate::pages) fn number(value: f64) -> String {
    let (scaled, suffix) = match value.abs() {
        1e12.. => return format!("{value:.2e}"),
        1e9.. => (value / 1e9, " G"),
        1e6.. => (value / 1e6, " M"),
        1e4.. => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        0.0 => 0,
        ..0.01 => 4,
        ..10.0 if scaled.fract() != 0.0 => 2,
        ..100.0 if scaled.fract() != 0.0 => 1,
        _ => 0,
    };
    format!("{scaled:.digits$}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_visible_and_long_text_is_cut() {
        assert_eq!(show("a\0b\u{1b}[31m\u{202e}x\u{85}", 100), "a␀b␛[31m\u{fffd}x\u{fffd}");
        assert_eq!(show("äöü", 2), "äö… (6 bytes)");
        assert_eq!(show("äöü", 3), "äöü");
    }

    #[test]
    fn values_of_a_query_string_are_encoded() {
        assert_eq!(encode("a b&c=\"<ü>"), "a%20b%26c%3D%22%3C%C3%BC%3E");
    }

    #[test]
    fn numbers_have_three_digits() {
        let cases = [(0.0, "0"), (0.123, "0.12"), (7.0, "7"), (12.34, "12.3"), (1234.0, "1234")];
        for (value, text) in cases.into_iter().chain([(12_345.0, "12.3 k"), (-2.5e6, "-2.50 M")]) {
            assert_eq!(number(value), text);
        }
    }
}
