//! One pointer to the state of an exchange. Its memory is reused by the thread that dropped it.

use std::cell::RefCell;

use super::active::ActiveExchange;

/// Maximum number of slots that one thread keeps for reuse.
const KEPT: usize = 256;

type Memory = Box<Option<ActiveExchange>>;

thread_local! {
    static FREE: RefCell<Vec<Memory>> = const { RefCell::new(Vec::new()) };
}

/// Slot for the state of an exchange; it may be empty.
#[derive(Debug)]
pub(crate) struct Slot(Option<Memory>);

impl Slot {
    #[inline]
    pub(crate) fn new(active: ActiveExchange) -> Self {
        let free = FREE.try_with(|free| free.try_borrow_mut().ok()?.pop());
        let mut memory = free.ok().flatten().unwrap_or_default();
        *memory = Some(active);
        Self(Some(memory))
    }

    pub(crate) const fn empty() -> Self {
        Self(None)
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&ActiveExchange> {
        self.0.as_deref()?.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut ActiveExchange> {
        self.0.as_deref_mut()?.as_mut()
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        let Some(mut memory) = self.0.take() else { return };
        *memory = None;
        let _ = FREE.try_with(|free| {
            if let Ok(mut free) = free.try_borrow_mut()
                && free.len() < KEPT
            {
                free.push(memory);
            }
        });
    }
}
