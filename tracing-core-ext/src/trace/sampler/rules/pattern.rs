//! Patterns of attribute values.

use std::fmt;

/// Text in which `*` matches any number of characters and `?` matches one. The comparison is case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Exact(Box<str>),
    /// Pattern whose only wildcard is a `*` at the end. The text is without it.
    Prefix(Box<str>),
    Wildcards(Box<str>),
}

impl Pattern {
    /// Returns a pattern with wildcards.
    pub(crate) fn new(pattern: &str) -> Self {
        let has_wildcards = |text: &str| text.contains(['*', '?']);
        match pattern.strip_suffix('*') {
            _ if !has_wildcards(pattern) => Self::Exact(pattern.into()),
            Some(prefix) if !has_wildcards(prefix) => Self::Prefix(prefix.into()),
            _ => Self::Wildcards(pattern.into()),
        }
    }

    /// Returns a pattern that matches only `value`.
    pub(crate) fn exact(value: &str) -> Self {
        Self::Exact(value.into())
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *text,
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Wildcards(pattern) => matches_wildcards(pattern, text),
        }
    }
}

/// Compares from the left. If a comparison fails, the last `*` takes one more character, so the time is at most the
/// product of both lengths.
fn matches_wildcards(pattern: &str, text: &str) -> bool {
    let (mut pattern_rest, mut text_rest) = (pattern.chars(), text.chars());
    let mut last_star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let mut after = (pattern_rest.clone(), text_rest.clone());
        match (after.0.next(), after.1.next()) {
            (Some('*'), _) => {
                pattern_rest = after.0;
                last_star = Some((pattern_rest.clone(), text_rest.clone()));
                continue;
            }
            (None, None) => return true,
            (Some(expected), Some(found)) if expected == '?' || expected == found => {
                (pattern_rest, text_rest) = after;
                continue;
            }
            _ => {}
        }
        let Some((after_star, taken)) = &mut last_star else { return false };
        if taken.next().is_none() {
            return false;
        }
        (pattern_rest, text_rest) = (after_star.clone(), taken.clone());
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) | Self::Wildcards(text) => f.write_str(text),
            Self::Prefix(text) => write!(f, "{text}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_match_as_the_configuration_schema_requires() {
        for (pattern, text, matches) in [
            ("/health", "/health", true),
            ("/health", "/healthz", false),
            ("/health", "/Health", false),
            ("/api/*", "/api/", true),
            ("/api/*", "/api/a/b", true),
            ("/api/*", "/api", false),
            ("*", "", true),
            ("*", "/", true),
            ("4*", "404", true),
            ("4?4", "404", true),
            ("4?4", "44", false),
            ("?", "ä", true),
            ("", "", true),
            ("", "a", false),
            ("*/items/*/price", "/a/items/7/price", true),
            ("*/items/*/price", "/items/7/prices", false),
            ("a*a*b", "aaaaaaaaac", false),
            ("*.js", "app.min.js", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), matches, "{pattern} {text}");
        }
        assert!(Pattern::exact("a*").matches("a*") && !Pattern::exact("a*").matches("ab"));
    }

    /// Definition of a match, without attention to its cost.
    fn expected(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                expected(rest, text) || (!text.is_empty() && expected(pattern, &text[1..]))
            }
            (['?', rest @ ..], [_, others @ ..]) => expected(rest, others),
            ([one, rest @ ..], [other, others @ ..]) if one == other => expected(rest, others),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn any_pattern_matches_by_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = expected(&chars(&pattern), &chars(&text));
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), expected);
            prop_assert_eq!(Pattern::new(&pattern).to_string(), pattern);
        }
    }
}
