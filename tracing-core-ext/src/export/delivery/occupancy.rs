//! Number and size of the waiting items, in one atomic word.
//!
//! With one word a reservation is one compare-and-swap: no other thread can reserve between the
//! check of the limits and the change. The limits for items and bytes are checked together.

use crate::base::sync::{AtomicU64, Ordering};

/// From the highest bit: closed, parked, 22 bits for the number of items, 40 bits for their size in bytes.
const CLOSED: u64 = 1 << 63;
const PARKED: u64 = 1 << 62;
const BYTE_BITS: u32 = 40;
const ITEM: u64 = 1 << BYTE_BITS;
const MAX_BYTES: u64 = ITEM - 1;
const MAX_ITEMS: u64 = (PARKED - 1) >> BYTE_BITS;

/// Limits of a queue, and the places in use.
#[derive(Debug)]
pub(crate) struct Occupancy {
    word: AtomicU64,
    max_items: u64,
    max_bytes: u64,
}

/// State of an [`Occupancy`] at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occupied(u64);

/// Number of items and their size in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Share {
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

/// Reason of a refused reservation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Refusal {
    Closed,
    Full { is_parked: bool },
}

impl Occupancy {
    pub(crate) fn new(max_items: usize, max_bytes: usize) -> Self {
        Self {
            word: AtomicU64::new(0),
            max_items: (max_items as u64).clamp(1, MAX_ITEMS),
            max_bytes: (max_bytes as u64).clamp(1, MAX_BYTES),
        }
    }

    /// Returns the largest number and size of waiting items.
    pub(crate) fn limits(&self) -> Share {
        Share { items: self.max_items, bytes: self.max_bytes }
    }

    /// Reserves a place for one item, and returns the state including it.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<Occupied, Refusal> {
        let mut seen = Occupied(self.word.load(Ordering::Relaxed));
        loop {
            let next = self.with_one_more(seen, bytes as u64)?;
            match self.word.compare_exchange_weak(
                seen.0,
                next.0,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(next),
                Err(changed) => seen = Occupied(changed),
            }
        }
    }

    fn with_one_more(&self, seen: Occupied, bytes: u64) -> Result<Occupied, Refusal> {
        if seen.is_closed() {
            return Err(Refusal::Closed);
        }
        let Share { items, bytes: taken } = seen.share();
        let has_place = items < self.max_items && taken.saturating_add(bytes) <= self.max_bytes;
        match has_place {
            true => Ok(Occupied(seen.0 + ITEM + bytes)),
            false => Err(Refusal::Full { is_parked: seen.is_parked() }),
        }
    }

    /// Frees places that [`reserve`](Self::reserve) has returned.
    pub(crate) fn release(&self, share: Share) {
        self.word.fetch_sub(share.items * ITEM + share.bytes, Ordering::AcqRel);
    }

    pub(crate) fn occupied(&self) -> Occupied {
        Occupied(self.word.load(Ordering::Acquire))
    }

    /// Refuses every later reservation.
    pub(crate) fn close(&self) {
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Marks the consumer as parked. Every later reservation reads the mark; the result includes
    /// every earlier one.
    pub(crate) fn park(&self) -> Occupied {
        Occupied(self.word.fetch_or(PARKED, Ordering::AcqRel))
    }

    /// Removes the mark. Only one of several callers receives true, and must wake the consumer.
    pub(crate) fn unpark(&self) -> bool {
        Occupied(self.word.fetch_and(!PARKED, Ordering::AcqRel)).is_parked()
    }
}

impl Occupied {
    pub(crate) fn share(self) -> Share {
        Share { items: (self.0 & !(CLOSED | PARKED)) >> BYTE_BITS, bytes: self.0 & MAX_BYTES }
    }

    pub(crate) fn is_parked(self) -> bool {
        self.0 & PARKED != 0
    }

    fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }
}

#[cfg(all(test, not(model_checks)))]
mod tests {
    use super::*;

    const FULL: Refusal = Refusal::Full { is_parked: false };

    #[test]
    fn a_reservation_needs_a_place_and_room_for_its_bytes() {
        let occupancy = Occupancy::new(2, 100);
        assert_eq!(occupancy.reserve(101).unwrap_err(), FULL);
        assert_eq!(occupancy.reserve(usize::MAX).unwrap_err(), FULL);
        assert_eq!(occupancy.reserve(60).unwrap().share(), Share { items: 1, bytes: 60 });
        assert_eq!(occupancy.reserve(41).unwrap_err(), FULL);
        assert_eq!(occupancy.reserve(40).unwrap().share(), Share { items: 2, bytes: 100 });
        assert_eq!(occupancy.reserve(0).unwrap_err(), FULL);
        occupancy.release(Share { items: 2, bytes: 100 });
        assert_eq!(occupancy.occupied().share(), Share::default());
    }

    #[test]
    fn the_largest_limits_do_not_touch_the_marks() {
        let occupancy = Occupancy::new(usize::MAX, usize::MAX);
        occupancy.reserve(MAX_BYTES as usize).unwrap();
        (1..MAX_ITEMS).for_each(|_| assert!(occupancy.reserve(0).is_ok()));
        let occupied = occupancy.occupied();
        assert_eq!(occupied.share(), Share { items: MAX_ITEMS, bytes: MAX_BYTES });
        assert!(!occupied.is_parked() && !occupied.is_closed());
        assert_eq!(occupancy.reserve(0).unwrap_err(), FULL);
    }

    #[test]
    fn marks_do_not_change_the_share_and_one_caller_removes_the_parked_mark() {
        let occupancy = Occupancy::new(2, 100);
        occupancy.reserve(7).unwrap();
        assert_eq!(occupancy.park().share(), Share { items: 1, bytes: 7 });
        assert!(occupancy.reserve(7).unwrap().is_parked());
        assert_eq!(occupancy.reserve(7).unwrap_err(), Refusal::Full { is_parked: true });
        assert!(occupancy.unpark());
        assert!(!occupancy.unpark());
        occupancy.close();
        assert_eq!(occupancy.reserve(7).unwrap_err(), Refusal::Closed);
        assert_eq!(occupancy.occupied().share(), Share { items: 2, bytes: 14 });
    }
}
