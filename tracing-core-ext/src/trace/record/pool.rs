//! Reuse of records. A span then allocates only for its context.

use std::{
    cell::RefCell,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::SpanRecord;

/// Pointer to a record. A record moves between spans and lists as one pointer.
pub(crate) type PooledRecord = Box<SpanRecord>;

/// Maximum number of records that one thread keeps.
const KEPT_BY_THREAD: usize = 256;
/// Number of records that a thread takes from the shared list at once.
const REFILL: usize = 64;
/// Maximum number of records that the shared list keeps.
const KEPT_SHARED: usize = 4096;

thread_local! {
    static FREE: RefCell<Vec<PooledRecord>> = const { RefCell::new(Vec::new()) };
}

/// Records that export threads have returned.
static SHARED: Mutex<Vec<PooledRecord>> = Mutex::new(Vec::new());

/// Returns an empty record.
#[inline]
pub(crate) fn take() -> Box<SpanRecord> {
    let taken = FREE.try_with(|free| free.try_borrow_mut().ok()?.pop());
    taken.ok().flatten().unwrap_or_else(refill)
}

#[cold]
fn refill() -> Box<SpanRecord> {
    let mut shared = shared();
    let first = shared.len().saturating_sub(REFILL);
    let mut taken = shared.split_off(first);
    drop(shared);
    let record = taken.pop().unwrap_or_default();
    let _ = FREE.try_with(|free| {
        if let Ok(mut free) = free.try_borrow_mut() {
            free.append(&mut taken);
        }
    });
    record
}

/// Returns a record to the pool of this thread.
#[inline]
pub(crate) fn put(mut record: Box<SpanRecord>) {
    record.clear();
    let _ = FREE.try_with(|free| {
        if let Ok(mut free) = free.try_borrow_mut()
            && free.len() < KEPT_BY_THREAD
        {
            free.push(record);
        }
    });
}

/// Returns the records of a batch to the pool of all threads. The list keeps its capacity.
pub(crate) fn recycle(records: &mut Vec<PooledRecord>) {
    records.iter_mut().for_each(|record| record.clear());
    let mut shared = shared();
    let room = KEPT_SHARED.saturating_sub(shared.len()).min(records.len());
    let surplus = records.len() - room;
    shared.extend(records.drain(surplus..));
    drop(shared);
    // The remaining records are dropped without the lock.
    records.clear();
}

fn shared() -> MutexGuard<'static, Vec<PooledRecord>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use crate::trace::record::pool::*;

    #[test]
    fn a_record_that_was_returned_is_empty() {
        let mut record = take();
        record.name = "GET /".into();
        record.facts.int("a", 1);
        put(record);
        let mut records = vec![take(), Box::default()];
        assert_eq!((records[0].facts.len(), &*records[0].name), (0, ""));
        records[1].facts.int("b", 2);
        recycle(&mut records);
        assert_eq!(refill().facts.len(), 0);
        assert!(records.is_empty());
    }

    #[test]
    fn the_shared_list_is_bounded() {
        let mut records: Vec<PooledRecord> =
            (0..KEPT_SHARED + 10).map(|_| Box::default()).collect();
        recycle(&mut records);
        assert!(shared().len() <= KEPT_SHARED);
    }
}
