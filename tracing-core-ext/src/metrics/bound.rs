use std::{
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher},
    ptr,
    sync::OnceLock,
};

use rustc_hash::FxHasher;

/// Places a key may be in.
const PROBES: usize = 8;

/// Handles of series whose labels the SDK has looked up already, by what the labels are made of. It never grows: what finds
/// no room is looked up each time.
pub(super) struct BoundSeries<K, H> {
    slots: Box<[OnceLock<(K, H)>]>,
}

impl<K: Copy + Eq + Hash, H> BoundSeries<K, H> {
    /// Has room for `slots` handles, a power of two.
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: (0..slots).map(|_| OnceLock::new()).collect() }
    }

    /// The handle of `key`, which is bound when it comes for the first time.
    pub(super) fn handle(&self, key: K, bind: impl Fn() -> H) -> Option<&H> {
        let hash = BuildHasherDefault::<FxHasher>::default().hash_one(key) as usize;
        (hash..hash + PROBES).find_map(|at| {
            let slot = &self.slots[at & (self.slots.len() - 1)];
            let (known, handle) = slot.get_or_init(|| (key, bind()));
            (*known == key).then_some(handle)
        })
    }
}

/// A text that is compared by where it is: the same text elsewhere is bound once more.
#[derive(Clone, Copy, Debug)]
pub(super) struct StaticStr(pub(super) &'static str);

impl PartialEq for StaticStr {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.0, other.0)
    }
}

impl Eq for StaticStr {}

impl Hash for StaticStr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.0.as_ptr().addr());
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn what_came_before_is_not_bound_again() {
        let (bound, count) = (BoundSeries::new(64), Cell::new(0));
        let bind = || {
            count.set(count.get() + 1);
            count.get()
        };
        let keys = [StaticStr("a"), StaticStr("b"), StaticStr("c")];
        let first = keys.map(|key| *bound.handle((key, 1), bind).unwrap());
        let again = keys.map(|key| *bound.handle((key, 1), bind).unwrap());
        assert_eq!((first, again), ([1, 2, 3], [1, 2, 3]));
        assert_eq!(bound.handle((keys[0], 2), bind), Some(&4));
    }

    #[test]
    fn what_finds_no_room_is_not_bound() {
        let bound = BoundSeries::new(16);
        let kept = (0..1000).filter(|key| bound.handle(*key, || ()).is_some()).count();
        assert!((8..=16).contains(&kept), "{kept}");
    }
}
