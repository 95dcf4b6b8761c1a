//! Scopes of the current thread. Their spans are entered when a log line or another span needs them.

use std::{cell::RefCell, sync::Arc};

/// Span that is entered late, or not at all.
pub(super) trait DeferredEntry {
    /// Makes the span current.
    fn enter(&self);

    /// Undoes [`enter`](Self::enter) on the same thread.
    fn exit(&self);
}

/// Scopes of a thread, the innermost last. All waiting spans are entered together, so the waiting spans are the last
/// ones.
#[derive(Default)]
struct Scopes {
    spans: Vec<Arc<dyn DeferredEntry>>,
    /// Number of entered spans.
    entered: usize,
}

thread_local! {
    static SCOPES: RefCell<Scopes> =
        const { RefCell::new(Scopes { spans: Vec::new(), entered: 0 }) };
}

impl Scopes {
    /// Marks all spans as entered and returns those that were not.
    fn take_waiting(&mut self) -> Vec<Arc<dyn DeferredEntry>> {
        let waiting = self.spans[self.entered..].to_vec();
        self.entered = self.spans.len();
        waiting
    }

    /// Removes the innermost scope of `span`. Returns whether the span is entered.
    fn remove(&mut self, span: *const ()) -> bool {
        let is_same = |other: &Arc<dyn DeferredEntry>| Arc::as_ptr(other).cast::<()>() == span;
        let Some(index) = self.spans.iter().rposition(is_same) else { return false };
        self.spans.remove(index);
        let is_entered = index < self.entered;
        self.entered -= usize::from(is_entered);
        is_entered
    }
}

/// Enters all waiting spans of this thread.
#[inline]
pub(super) fn enter_waiting() {
    let has_waiting = SCOPES.try_with(|scopes| {
        scopes.try_borrow().is_ok_and(|scopes| scopes.entered < scopes.spans.len())
    });
    if has_waiting.unwrap_or(false) {
        enter_all();
    }
}

#[cold]
fn enter_all() {
    let waiting = SCOPES.try_with(|scopes| {
        scopes.try_borrow_mut().map(|mut scopes| scopes.take_waiting()).unwrap_or_default()
    });
    // Entered without the borrow, because a layer may log.
    waiting.unwrap_or_default().iter().for_each(|span| span.enter());
}

/// Scope of the current thread.
#[derive(Debug)]
#[must_use = "the scope ends when this is dropped"]
pub(super) struct DeferredScope<'a, S: DeferredEntry>(&'a Arc<S>);

impl<'a, S: DeferredEntry + 'static> DeferredScope<'a, S> {
    /// Starts a scope. Its span is not entered yet.
    ///
    /// It is not inlined, so that scopes without a deferred span stay short.
    #[inline(never)]
    pub(super) fn new(span: &'a Arc<S>) -> Self {
        let _ = SCOPES.try_with(|scopes| {
            if let Ok(mut scopes) = scopes.try_borrow_mut() {
                scopes.spans.push(Arc::<S>::clone(span));
            }
        });
        Self(span)
    }
}

impl<S: DeferredEntry> Drop for DeferredScope<'_, S> {
    #[inline(never)]
    fn drop(&mut self) {
        let span = Arc::as_ptr(self.0).cast::<()>();
        let is_entered = SCOPES
            .try_with(|scopes| scopes.try_borrow_mut().is_ok_and(|mut scopes| scopes.remove(span)));
        if is_entered.unwrap_or(false) {
            self.0.exit();
        }
    }
}
