//! Differences between two traces.

use std::{collections::HashMap, sync::Arc};

use super::tree::TreeRow;

/// Spans of two traces with the same path: service and name of the span and of each ancestor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Number of ancestors.
    pub depth: usize,
    /// Service.
    pub service: Arc<str>,
    /// Name of the spans.
    pub name: Arc<str>,
    /// Spans of the first and of the second trace.
    pub sides: [Side; 2],
}

/// Spans of one trace at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Number of spans.
    pub count: usize,
    /// Sum of the durations in nanoseconds.
    pub duration: u64,
    /// Sum of the times in which no child was running, in nanoseconds.
    pub self_time: u64,
    /// Number of failed spans.
    pub errors: usize,
}

/// Path of the parent, service and name.
type Path = (Option<usize>, Arc<str>, Arc<str>);

/// Paths of both traces. The parent of a path comes before it.
#[derive(Default)]
struct Paths {
    nodes: Vec<Difference>,
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
    known: HashMap<Path, usize>,
}

/// Aligns two traces by the paths of their spans. Parents are before children, and paths of the
/// first trace before those that only the second one has.
pub fn compare(first: &[TreeRow], second: &[TreeRow]) -> Vec<Difference> {
    let mut paths = Paths::default();
    paths.add(0, first);
    paths.add(1, second);
    let mut differences = Vec::with_capacity(paths.nodes.len());
    let mut open: Vec<usize> = paths.roots.iter().rev().copied().collect();
    while let Some(node) = open.pop() {
        differences.push(paths.nodes[node].clone());
        open.extend(paths.children[node].iter().rev());
    }
    differences
}

impl Paths {
    fn add(&mut self, side: usize, rows: &[TreeRow]) {
        let mut ancestors: Vec<usize> = Vec::new();
        for row in rows {
            ancestors.truncate(row.depth);
            let node = self.node(ancestors.last().copied(), row);
            ancestors.push(node);
            let side = &mut self.nodes[node].sides[side];
            side.count += 1;
            side.duration = side.duration.saturating_add(row.span.duration());
            side.self_time = side.self_time.saturating_add(row.self_time);
            side.errors += usize::from(row.span.is_error());
        }
    }

    fn node(&mut self, parent: Option<usize>, row: &TreeRow) -> usize {
        let (service, name) = (Arc::clone(row.span.service()), Arc::clone(&row.span.name));
        let key = (parent, Arc::clone(&service), Arc::clone(&name));
        if let Some(node) = self.known.get(&key) {
            return *node;
        }
        let node = self.nodes.len();
        self.nodes.push(Difference { depth: row.depth, service, name, sides: Default::default() });
        self.children.push(Vec::new());
        match parent {
            Some(parent) => self.children[parent].push(node),
            None => self.roots.push(node),
        }
        self.known.insert(key, node);
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::rows,
        model::{Span, Status},
        testing::{child, span},
    };

    fn trace(calls: &[(&str, u64)]) -> Vec<TreeRow> {
        let mut root = span("gateway", "GET /a");
        (root.start, root.end) = (0, 1_000);
        let mut spans: Vec<Span> = vec![root.clone()];
        let mut start = 0;
        for (name, duration) in calls {
            let mut call = child(&root, "stock", name);
            (call.start, call.end) = (start, start + duration);
            call.status = if *name == "bad" { Status::Error } else { Status::Unset };
            start += duration;
            spans.push(call);
        }
        rows(&spans.into_iter().map(Arc::new).collect::<Vec<_>>())
    }

    #[test]
    fn spans_at_the_same_path_are_compared() {
        let first = trace(&[("read", 100), ("read", 50), ("gone", 10)]);
        let second = trace(&[("read", 400), ("bad", 30)]);
        let differences = compare(&first, &second);
        let figures: Vec<_> = differences
            .iter()
            .map(|it| (&*it.name, it.depth, it.sides.map(|side| (side.count, side.duration))))
            .collect();
        let expected = [
            ("GET /a", 0, [(1, 1_000), (1, 1_000)]),
            ("read", 1, [(2, 150), (1, 400)]),
            ("gone", 1, [(1, 10), (0, 0)]),
            ("bad", 1, [(0, 0), (1, 30)]),
        ];
        assert_eq!(figures, expected);
        assert_eq!(differences[3].sides[1].errors, 1);
        assert_eq!(differences[0].sides.map(|side| side.self_time), [840, 570]);
    }
}
