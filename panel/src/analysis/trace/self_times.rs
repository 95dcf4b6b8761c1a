//! Self time by operation.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use super::tree::TreeRow;

/// Spans of a trace with the same service and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTime {
    /// Service.
    pub service: Arc<str>,
    /// Name of the spans.
    pub name: Arc<str>,
    /// Number of spans.
    pub count: usize,
    /// Sum of the times in which no child was running, in nanoseconds.
    pub self_time: u64,
    /// Duration of the longest span, in nanoseconds.
    pub longest: u64,
}

/// Sums the self times of each service and name. The largest sum is first.
pub fn self_times(rows: &[TreeRow]) -> Vec<SelfTime> {
    let mut sums: HashMap<(&Arc<str>, &Arc<str>), SelfTime> = HashMap::new();
    for row in rows {
        let (service, name) = (row.span.service(), &row.span.name);
        let sum = sums.entry((service, name)).or_insert_with(|| SelfTime {
            service: Arc::clone(service),
            name: Arc::clone(name),
            count: 0,
            self_time: 0,
            longest: 0,
        });
        sum.count += 1;
        sum.self_time = sum.self_time.saturating_add(row.self_time);
        sum.longest = sum.longest.max(row.span.duration());
    }
    let mut sums: Vec<_> = sums.into_values().collect();
    sums.sort_by(|a, b| {
        let key = |sum: &SelfTime| (Reverse(sum.self_time), Arc::clone(&sum.name));
        key(a).cmp(&key(b)).then_with(|| a.service.cmp(&b.service))
    });
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::rows,
        testing::{child, span},
    };

    #[test]
    fn spans_with_the_same_name_are_summed() {
        let mut root = span("a", "root");
        (root.start, root.end) = (0, 100);
        let mut spans = vec![Arc::new(root.clone())];
        for (start, end) in [(0, 30), (40, 60)] {
            let mut call = child(&root, "a", "SELECT");
            (call.start, call.end) = (start, end);
            spans.push(Arc::new(call));
        }
        let sums = self_times(&rows(&spans));
        let figures: Vec<_> =
            sums.iter().map(|sum| (&*sum.name, sum.count, sum.self_time, sum.longest)).collect();
        assert_eq!(figures, [("SELECT", 2, 50, 30), ("root", 1, 50, 100)]);
    }
}
