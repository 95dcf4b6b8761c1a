//! `included` and `excluded`: patterns that keys are matched with.

use super::document::item::Item;
use crate::{base::error::TelemetryError, trace::Pattern};

/// Patterns with `?` for one character and `*` for any number of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KeyPatterns {
    /// All keys if `None`.
    included: Option<Vec<Pattern>>,
    excluded: Vec<Pattern>,
}

impl KeyPatterns {
    pub(super) fn read(item: &Item<'_>) -> Result<Self, TelemetryError> {
        let section = item.section()?;
        let patterns = Self {
            included: section.read("included", patterns)?,
            excluded: section.read_or("excluded", Vec::new(), patterns)?,
        };
        section.finish()?;
        Ok(patterns)
    }

    pub(crate) fn matches(&self, key: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(key));
        self.included.as_deref().is_none_or(any) && !any(&self.excluded)
    }

    /// Returns the included keys, if there are only those, without wildcards.
    pub(super) fn as_keys(&self) -> Option<Vec<String>> {
        let included = self.included.as_deref().filter(|_| self.excluded.is_empty())?;
        let key = |pattern: &Pattern| match pattern {
            Pattern::Exact(key) => Some(key.to_string()),
            Pattern::Prefix(_) | Pattern::Wildcards(_) => None,
        };
        included.iter().map(key).collect()
    }
}

fn patterns(list: &Item<'_>) -> Result<Vec<Pattern>, TelemetryError> {
    let patterns: Vec<_> = list.texts()?.iter().map(|pattern| Pattern::new(pattern)).collect();
    match patterns.is_empty() {
        true => Err(list.refused("the list is empty, so nothing matches")),
        false => Ok(patterns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_keys_take_precedence() {
        let patterns = KeyPatterns {
            included: Some(vec![Pattern::new("host.*")]),
            excluded: vec![Pattern::new("*.id")],
        };
        let matched = ["host.name", "host.id", "os.type"].map(|key| patterns.matches(key));
        assert_eq!(matched, [true, false, false]);
        assert!(KeyPatterns::default().matches("os.type"));
    }
}
