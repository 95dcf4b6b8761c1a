use std::{fmt::Write, time::Duration};

use unicode_width::UnicodeWidthChar;

use crate::base::text::unprintable::is_unprintable;

/// Makes text from the network safe for a terminal, and truncates it to `columns`.
pub(crate) fn safe(text: &str, columns: usize) -> String {
    let mut safe = String::new();
    // Only this part can be shown, so a longer text is not escaped as a whole.
    for character in text.chars().take(columns + 1) {
        match is_unprintable(character) {
            true => {
                let _ = write!(safe, "{}", character.escape_unicode());
            }
            false => safe.push(character),
        }
    }
    truncate(safe, columns)
}

fn truncate(text: String, columns: usize) -> String {
    if width(&text) <= columns {
        return text;
    }
    let mut room = columns.saturating_sub(1);
    let kept = text.chars().take_while(|character| {
        let fits = width_of(*character) <= room;
        room = room.saturating_sub(width_of(*character));
        fits
    });
    kept.chain(['…']).collect()
}

/// Number of columns that a text takes on a terminal: 茶 takes two.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

fn width_of(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// Returns `text` with spaces behind it up to `columns`.
pub(super) fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Returns a short text, nearly always in the same unit: `0.40 ms`, `41.2 ms`, `12.3 s`.
pub(super) fn duration(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1_000.0;
    match milliseconds {
        ..9.995 => format!("{milliseconds:.2} ms"),
        ..9_999.95 => format!("{milliseconds:.1} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

/// Returns a number with its noun: `1 span`, `2 spans`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_are_escaped() {
        assert_eq!(safe("a\u{1b}[2Jb", 40), "a\\u{1b}[2Jb");
        assert_eq!(safe("a\nb\u{202e}c\u{9b}", 40), "a\\u{a}b\\u{202e}c\\u{9b}");
        assert_eq!(safe("grüße 茶", 40), "grüße 茶");
    }

    #[test]
    fn long_text_is_truncated_with_an_ellipsis() {
        assert_eq!(safe("abcdef", 6), "abcdef");
        assert_eq!(safe("abcdefg", 6), "abcde…");
        assert_eq!(safe(&"\u{1b}".repeat(1 << 20), 8), "\\u{1b}\\…");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(safe("茶葉茶葉", 8), "茶葉茶葉");
        assert_eq!(safe("茶葉茶葉", 7), "茶葉茶…");
        assert_eq!(safe("茶葉茶葉", 6), "茶葉…");
        assert_eq!(padded("茶", 4), "茶  ");
        assert_eq!(padded("e\u{301}", 3), "e\u{301}  ");
    }

    #[test]
    fn durations_keep_about_three_digits() {
        let shown = |microseconds| duration(Duration::from_micros(microseconds));
        assert_eq!(shown(0), "0.00 ms");
        assert_eq!(shown(400), "0.40 ms");
        assert_eq!(shown(9_994), "9.99 ms");
        assert_eq!(shown(9_996), "10.0 ms");
        assert_eq!(shown(41_200), "41.2 ms");
        assert_eq!(shown(1_500_000), "1500.0 ms");
        assert_eq!(shown(12_300_000), "12.3 s");
    }
}
