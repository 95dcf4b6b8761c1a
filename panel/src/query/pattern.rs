//! Matching of text.

/// Text in which `*` matches any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    parts: Vec<String>,
}

impl Pattern {
    pub(super) fn literal(text: String) -> Self {
        Self { parts: vec![text] }
    }

    pub(super) fn with_wildcards(text: &str) -> Self {
        Self { parts: text.split('*').map(str::to_owned).collect() }
    }

    /// Returns the only text that matches, or `None` for a pattern with a wildcard.
    pub(super) fn as_literal(&self) -> Option<&str> {
        match &*self.parts {
            [literal] => Some(literal),
            _ => None,
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = &*self.parts else {
            return self.parts.first().is_some_and(|literal| literal == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            let Some(found) = rest.find(part.as_str()) else { return false };
            rest = &rest[found + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

/// Whether the text contains `needle`, which is in lower case. ASCII letters are compared
/// case-insensitively.
pub(super) fn contains(text: &str, needle: &str) -> bool {
    let (text, needle) = (text.as_bytes(), needle.as_bytes());
    let Some((first, rest)) = needle.split_first() else { return true };
    let last = text.len().wrapping_sub(rest.len());
    if rest.len() >= text.len() {
        return false;
    }
    let starts = text[..last].iter().enumerate();
    let candidates = starts.filter(|(_, byte)| byte.to_ascii_lowercase() == *first);
    candidates.into_iter().any(|(at, _)| text[at + 1..=at + rest.len()].eq_ignore_ascii_case(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let pattern = Pattern::with_wildcards("/checkout/*/pay*");
        assert!(pattern.matches("/checkout/tea/pay"));
        assert!(pattern.matches("/checkout//payment"));
        assert!(!pattern.matches("/checkout/pay"));
        assert!(Pattern::with_wildcards("*").matches(""));
        assert!(!Pattern::with_wildcards("ab*ab").matches("ab"));
        assert!(Pattern::literal("*".to_owned()).matches("*"));
    }

    #[test]
    fn text_is_found_at_every_place_without_regard_to_case() {
        for text in ["out", "OUT of stock", "sold oUt", "oout"] {
            assert!(contains(text, "out"), "{text}");
        }
        for text in ["", "ou", "o ut"] {
            assert!(!contains(text, "out"), "{text}");
        }
        assert!(contains("", "") && contains("Größe", "größe"));
    }
}
