use std::cell::RefCell;

/// Number of values that a thread keeps. A service has few host names and few kinds of callers.
const CAPACITY: usize = 4;

/// Maximum length of cached text, in bytes, so that callers cannot make a thread hold much memory.
const MAX_LENGTH: usize = 256;

/// Cache of the values of the last few texts, so that a header that comes with every request is neither parsed nor
/// copied again.
#[derive(Debug)]
pub(crate) struct ParseCache<V> {
    entries: [Option<(Box<[u8]>, V)>; CAPACITY],
    oldest: usize,
}

impl<V: Clone> ParseCache<V> {
    pub(crate) const fn new() -> RefCell<Self> {
        RefCell::new(Self { entries: [const { None }; CAPACITY], oldest: 0 })
    }

    /// Returns the value that `make` computes for `text`, from the cache if it is there.
    pub(crate) fn get_or_parse(&mut self, text: &[u8], make: impl FnOnce(&[u8]) -> V) -> V {
        let mut entries = self.entries.iter().flatten();
        if let Some((_, value)) = entries.find(|(known, _)| **known == *text) {
            return value.clone();
        }
        let value = make(text);
        if text.len() <= MAX_LENGTH {
            self.entries[self.oldest] = Some((text.into(), value.clone()));
            self.oldest = (self.oldest + 1) % CAPACITY;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never(_: &[u8]) -> usize {
        panic!("made twice")
    }

    #[test]
    fn what_came_lately_is_not_made_again() {
        let recent = ParseCache::new();
        let mut recent = recent.borrow_mut();
        for text in ["a", "bb", "ccc", "dddd"] {
            assert_eq!(recent.get_or_parse(text.as_bytes(), <[u8]>::len), text.len());
        }
        for text in ["a", "bb", "ccc", "dddd"] {
            assert_eq!(recent.get_or_parse(text.as_bytes(), never), text.len());
        }
    }

    #[test]
    fn the_oldest_makes_room() {
        let recent = ParseCache::new();
        let mut recent = recent.borrow_mut();
        for text in ["a", "b", "c", "d", "e"] {
            recent.get_or_parse(text.as_bytes(), <[u8]>::len);
        }
        assert_eq!(recent.get_or_parse(b"a", |_| 7), 7);
        assert_eq!(recent.get_or_parse(b"e", never), 1);
    }

    #[test]
    fn long_text_is_not_kept() {
        let recent = ParseCache::new();
        let mut recent = recent.borrow_mut();
        let long = [b'x'; MAX_LENGTH + 1];
        assert_eq!(recent.get_or_parse(&long, |_| 1), 1);
        assert_eq!(recent.get_or_parse(&long, |_| 2), 2);
    }
}
