//! Shared allocations for repeated strings.

use std::{collections::HashSet, sync::Arc};

/// Maximum length of a shared string, in bytes.
const LONGEST: usize = 96;
/// Maximum number of shared strings.
const MOST: usize = 1 << 16;

/// Table of shared strings, in which equal short strings have one allocation: attribute keys,
/// names, common values.
///
/// The table has a fixed capacity. If it is full, each new string has its own allocation. After as
/// many of these as the capacity, strings without other references are removed.
#[derive(Debug, Default)]
pub struct Interner {
    strings: HashSet<Arc<str>>,
    /// Number of strings that did not fit since the last removal.
    refused: usize,
}

impl Interner {
    /// Returns the shared copy of this text.
    pub fn intern(&mut self, text: &str) -> Arc<str> {
        if text.len() > LONGEST {
            return Arc::from(text);
        }
        if let Some(known) = self.strings.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        if self.has_room() {
            self.strings.insert(Arc::clone(&new));
        }
        new
    }

    fn has_room(&mut self) -> bool {
        if self.strings.len() < MOST {
            return true;
        }
        self.refused += 1;
        if self.refused >= MOST {
            self.refused = 0;
            self.strings.retain(|text| Arc::strong_count(text) > 1);
        }
        self.strings.len() < MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_text_has_one_allocation() {
        let mut interner = Interner::default();
        let (first, second) = (interner.intern("http.route"), interner.intern("http.route"));
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn strings_of_no_use_make_room() {
        let mut interner = Interner::default();
        let held = interner.intern("held");
        for number in 0..2 * MOST + 10 {
            interner.intern(&number.to_string());
            assert!(interner.strings.len() <= MOST);
        }
        let late = interner.intern("late");
        assert!(Arc::ptr_eq(&late, &interner.intern("late")));
        assert!(Arc::ptr_eq(&held, &interner.intern("held")));
    }
}
