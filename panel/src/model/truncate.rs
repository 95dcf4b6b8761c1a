/// Returns the longest part from the beginning of `text` that has at most `longest` bytes and ends
/// between two characters. `str::floor_char_boundary` is newer than the declared Rust version.
pub(crate) fn truncate(text: &str, longest: usize) -> &str {
    if text.len() <= longest {
        return text;
    }
    let end = (0..=longest).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::truncate;

    #[test]
    fn a_text_is_cut_between_two_characters() {
        assert_eq!(truncate("tea", 3), "tea");
        assert_eq!(truncate("tea", 2), "te");
        assert_eq!(truncate("té", 2), "t", "the second character has two bytes");
        assert_eq!(truncate("€", 2), "");
        assert_eq!(truncate("tea", 0), "");
    }
}
