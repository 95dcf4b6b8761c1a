use std::cell::RefCell;

/// Values a thread remembers. A service is asked for under few names, by few kinds of callers.
const KEPT: usize = 4;

/// Longer text than this is made anew each time, so that callers cannot make a thread hold much.
const MAX_LENGTH: usize = 256;

/// What was made of the last few texts, so that a header that comes with every request is neither parsed nor copied
/// again.
#[derive(Debug)]
pub(crate) struct Recent<V> {
    kept: [Option<(Box<[u8]>, V)>; KEPT],
    oldest: usize,
}

impl<V: Clone> Recent<V> {
    pub(crate) const fn new() -> RefCell<Self> {
        RefCell::new(Self { kept: [const { None }; KEPT], oldest: 0 })
    }

    /// What `make` answers for `text`, now or when it came last.
    pub(crate) fn recall(&mut self, text: &[u8], make: impl FnOnce(&[u8]) -> V) -> V {
        let mut kept = self.kept.iter().flatten();
        if let Some((_, value)) = kept.find(|(known, _)| **known == *text) {
            return value.clone();
        }
        let value = make(text);
        if text.len() <= MAX_LENGTH {
            self.kept[self.oldest] = Some((text.into(), value.clone()));
            self.oldest = (self.oldest + 1) % KEPT;
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
        let recent = Recent::new();
        let mut recent = recent.borrow_mut();
        for text in ["a", "bb", "ccc", "dddd"] {
            assert_eq!(recent.recall(text.as_bytes(), <[u8]>::len), text.len());
        }
        for text in ["a", "bb", "ccc", "dddd"] {
            assert_eq!(recent.recall(text.as_bytes(), never), text.len());
        }
    }

    #[test]
    fn the_oldest_makes_room() {
        let recent = Recent::new();
        let mut recent = recent.borrow_mut();
        for text in ["a", "b", "c", "d", "e"] {
            recent.recall(text.as_bytes(), <[u8]>::len);
        }
        assert_eq!(recent.recall(b"a", |_| 7), 7);
        assert_eq!(recent.recall(b"e", never), 1);
    }

    #[test]
    fn long_text_is_not_kept() {
        let recent = Recent::new();
        let mut recent = recent.borrow_mut();
        let long = [b'x'; MAX_LENGTH + 1];
        assert_eq!(recent.recall(&long, |_| 1), 1);
        assert_eq!(recent.recall(&long, |_| 2), 2);
    }
}
