//! Values that are one of several words.

use std::fmt::Write;

use crate::base::error::TelemetryError;

/// Valid words of a setting, and their meanings.
pub(in crate::config) struct Words<T: 'static> {
    pub(in crate::config) known: &'static [(&'static str, T)],
    /// Words of the OpenTelemetry specification that are not supported.
    pub(in crate::config) unsupported: &'static [&'static str],
}

impl<T: Copy> Words<T> {
    pub(in crate::config) fn find(&self, word: &str) -> Option<T> {
        let found = self.known.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
        found.map(|(_, meaning)| *meaning)
    }

    /// Parses a word. "Enum values SHOULD be interpreted in a case-insensitive manner":
    /// OpenTelemetry configuration specification, "Enum".
    ///
    /// # Errors
    ///
    /// If the word is unknown. The error lists the valid words and suggests the nearest one.
    pub(in crate::config) fn parse(
        &self,
        setting: &'static str,
        word: &str,
    ) -> Result<T, TelemetryError> {
        self.find(word).ok_or_else(|| TelemetryError::setting(setting, word, self.expected(word)))
    }

    pub(in crate::config) fn expected(&self, word: &str) -> String {
        let mut expected = self.list();
        if self.unsupported.contains(&word) {
            let _ = write!(expected, "; {word} is not supported");
        } else if let Some(nearest) = nearest(word, self.known.iter().map(|(known, _)| *known)) {
            let _ = write!(expected, "; did you mean {nearest}?");
        }
        expected
    }

    /// Returns the word that has this meaning.
    pub(in crate::config) fn name(&self, meaning: T) -> &'static str
    where
        T: PartialEq,
    {
        let found = self.known.iter().find(|(_, known)| *known == meaning);
        found.map_or("", |(word, _)| word)
    }

    fn list(&self) -> String {
        let words: Vec<&str> = self.known.iter().map(|(known, _)| *known).collect();
        match words.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

/// Returns the known word that differs from this one by at most two letters.
pub(in crate::config) fn nearest<'a>(
    word: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    const MAX_DISTANCE: usize = 2;
    let folded = word.to_ascii_lowercase();
    let distance = |known: &str| strsim::osa_distance(&folded, &known.to_ascii_lowercase());
    let nearest = known.map(|known| (distance(known), known)).min_by_key(|(distance, _)| *distance);
    nearest.filter(|(distance, _)| *distance <= MAX_DISTANCE).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words<u8> =
        Words { known: &[("cumulative", 1), ("delta", 2), ("none", 3)], unsupported: &["both"] };

    #[test]
    fn an_unknown_word_is_refused_with_the_valid_ones_and_the_nearest() {
        assert_eq!(WORDS.parse("S", "Delta").unwrap(), 2);
        for (word, hint) in [
            ("Detla", "; did you mean delta?"),
            ("both", "; both is not supported"),
            ("temporality", ""),
        ] {
            let error = WORDS.parse("S", word).unwrap_err().to_string();
            assert_eq!(error, format!("S={word:?}: expected cumulative, delta or none{hint}"));
        }
    }
}
