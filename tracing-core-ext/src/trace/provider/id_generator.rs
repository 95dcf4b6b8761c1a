//! Generation of trace and span IDs without the SDK.

use std::{
    cell::Cell,
    hash::{BuildHasher, Hasher, RandomState},
};

use opentelemetry::{SpanId, TraceId};

thread_local! {
    static STATE: Cell<[u64; 2]> = Cell::new(seed());
}

/// Returns a random ID, never all zero.
pub(crate) fn span_id() -> SpanId {
    SpanId::from(nonzero())
}

/// Returns a random ID. All bits are random (W3C Trace Context, "Considerations for trace-id").
pub(crate) fn trace_id() -> TraceId {
    TraceId::from(u128::from(nonzero()) << 64 | u128::from(nonzero()))
}

/// Returns 64 random bits, which are never all zero.
pub(crate) fn random_bits() -> u64 {
    nonzero()
}

fn nonzero() -> u64 {
    loop {
        let number = STATE.try_with(next).unwrap_or_else(|_| seed()[0]);
        if number != 0 {
            return number;
        }
    }
}

/// Returns a random seed of 128 bits. `RandomState` is seeded by the operating system; the hashes of two numbers with
/// it are independent.
fn seed() -> [u64; 2] {
    let random = RandomState::new();
    [1, 2].map(|number| {
        let mut hasher = random.build_hasher();
        hasher.write_u8(number);
        hasher.finish()
    })
}

/// Returns the next number of xoroshiro128++ 1.0 by David Blackman and Sebastiano Vigna.
fn next(state: &Cell<[u64; 2]>) -> u64 {
    let [low, high] = state.get();
    let mixed = low ^ high;
    state.set([low.rotate_left(49) ^ mixed ^ (mixed << 21), mixed.rotate_left(28)]);
    low.wrapping_add(high).rotate_left(17).wrapping_add(low)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use crate::trace::provider::id_generator::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let state = Cell::new([1, 2]);
        let numbers = [(); 4].map(|()| next(&state));
        assert_eq!(
            numbers,
            [393_217, 669_327_710_093_319, 1_732_421_326_133_921_491, 11_394_790_081_659_126_983]
        );
    }

    #[test]
    fn no_id_is_zero_and_none_comes_twice() {
        let ids = || (0..10_000).map(|_| (trace_id(), span_id())).collect::<Vec<_>>();
        let threads = [(); 4].map(|()| thread::spawn(ids));
        let all: Vec<_> = threads.into_iter().flat_map(|it| it.join().unwrap()).collect();

        assert!(
            all.iter()
                .all(|(trace, span)| { *trace != TraceId::INVALID && *span != SpanId::INVALID })
        );
        let traces: HashSet<_> = all.iter().map(|(trace, _)| trace).collect();
        let spans: HashSet<_> = all.iter().map(|(_, span)| span).collect();
        assert_eq!((traces.len(), spans.len()), (all.len(), all.len()));
    }

    #[test]
    fn every_bit_of_an_id_is_random() {
        let ids: Vec<_> = (0..1000).map(|_| u128::from_be_bytes(trace_id().to_bytes())).collect();
        for bit in 0..128 {
            let set = ids.iter().filter(|id| *id >> bit & 1 == 1).count();
            assert!((400..600).contains(&set), "bit {bit} is set in {set} of 1,000 ids");
        }
    }
}
