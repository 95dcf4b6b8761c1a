//! Critical path of a trace.

use std::{cmp::Reverse, sync::Arc};

use crate::model::Span;

/// Marks the spans on the critical path.
///
/// The search goes from the end of a span backwards. The child that ends last before the current
/// time is on the path, and the search continues at its start.
pub(super) fn critical_path(
    spans: &[Arc<Span>],
    children: &[Vec<usize>],
    roots: &[usize],
) -> Vec<bool> {
    let mut critical = vec![false; spans.len()];
    let longest = roots.iter().copied().max_by_key(|root| spans[*root].duration());
    let mut open: Vec<usize> = longest.into_iter().collect();
    while let Some(index) = open.pop() {
        critical[index] = true;
        let mut by_end = children[index].clone();
        by_end.sort_by_key(|child| Reverse(spans[*child].end));
        let mut until = u64::MAX;
        for child in by_end {
            if spans[child].end <= until {
                until = spans[child].start;
                open.push(child);
            }
        }
    }
    critical
}
