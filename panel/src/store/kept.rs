//! Traces that are kept longer than others.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::model::Span;

/// Maximum number of traces in each list of an operation.
const MOST_TRACES: usize = 10;
/// Maximum number of operations with lists.
const MOST_OPERATIONS: usize = 1024;

/// Slowest and last failed traces of each operation, by number.
#[derive(Debug, Default)]
pub(super) struct Kept {
    operations: HashMap<(Arc<str>, Box<str>), Lists>,
    uses: HashMap<u64, usize>,
}

#[derive(Debug, Default)]
struct Lists {
    /// Durations and traces, slowest first.
    slowest: Vec<(u64, u64)>,
    failed: VecDeque<u64>,
}

impl Kept {
    /// Adds the trace with this number, which contains this request, to the lists if it qualifies.
    pub(super) fn offer(&mut self, trace: u64, request: &Span) {
        let key = (Arc::clone(request.service()), request.operation().into());
        if !self.operations.contains_key(&key) && self.operations.len() >= MOST_OPERATIONS {
            return;
        }
        let lists = self.operations.entry(key).or_default();
        if let Some(removed) = lists.offer_slow(trace, request.duration()) {
            change(&mut self.uses, trace, removed);
        }
        if request.is_error() && lists.failed.back() != Some(&trace) {
            lists.failed.push_back(trace);
            let removed = (lists.failed.len() > MOST_TRACES).then(|| lists.failed.pop_front());
            change(&mut self.uses, trace, removed.flatten());
        }
    }

    /// Whether a list contains the trace.
    pub(super) fn contains(&self, trace: u64) -> bool {
        self.uses.contains_key(&trace)
    }

    /// Removes a trace that is no longer stored.
    pub(super) fn remove(&mut self, trace: u64) {
        if self.uses.remove(&trace).is_none() {
            return;
        }
        for lists in self.operations.values_mut() {
            lists.slowest.retain(|(_, known)| *known != trace);
            lists.failed.retain(|known| *known != trace);
        }
        self.operations.retain(|_, lists| !lists.slowest.is_empty() || !lists.failed.is_empty());
    }
}

impl Lists {
    /// Adds a slow trace. Returns the trace that was removed for it, or `None` if it was not added.
    fn offer_slow(&mut self, trace: u64, duration: u64) -> Option<Option<u64>> {
        let index = self.slowest.partition_point(|(known, _)| *known >= duration);
        if index >= MOST_TRACES {
            return None;
        }
        self.slowest.insert(index, (duration, trace));
        let removed = (self.slowest.len() > MOST_TRACES).then(|| self.slowest.pop()).flatten();
        Some(removed.map(|(_, trace)| trace))
    }
}

fn change(uses: &mut HashMap<u64, usize>, added: u64, removed: Option<u64>) {
    *uses.entry(added).or_default() += 1;
    let Some(removed) = removed else { return };
    if let Some(count) = uses.get_mut(&removed) {
        *count -= 1;
        if *count == 0 {
            uses.remove(&removed);
        }
    }
}
