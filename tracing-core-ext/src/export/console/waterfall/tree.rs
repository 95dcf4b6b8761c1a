use std::collections::{HashMap, HashSet};

use opentelemetry::SpanId;

use super::span::WaterfallSpan;

/// Deepest level that is indented further than the one above.
const MAX_LEVELS: usize = 12;

/// A line of the waterfall.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Index of the span among the given spans.
    pub(super) span: usize,
    /// Lines of the tree that lead to the span.
    pub(super) prefix: String,
    /// Lines of the tree that pass the rows below the span.
    pub(super) below: String,
}

/// Arranges every span below its parent, depth first.
///
/// A span whose parent is missing is marked, unless the trace [is whole](is_whole).
///
/// Ids come from the network: a parent may be missing, and parents may form a circle. The earliest
/// span of a circle is arranged as if its parent were missing.
pub(super) fn arrange(spans: &[WaterfallSpan]) -> Vec<Row> {
    let mut tree = Tree::new(spans);
    let tops: Vec<_> = tree.tops().collect();
    let whole = tree.is_whole();
    for at in tops {
        tree.add(at, !whole);
    }
    for at in 0..spans.len() {
        tree.add(at, true);
    }
    tree.rows
}

/// Whether all spans descend from one span that has no parent, or from requests of one caller in
/// another process.
pub(super) fn is_whole(spans: &[WaterfallSpan]) -> bool {
    Tree::new(spans).is_whole()
}

struct Tree<'a> {
    spans: &'a [WaterfallSpan],
    places: HashMap<SpanId, usize>,
    children: HashMap<SpanId, Vec<usize>>,
    seen: HashSet<SpanId>,
    rows: Vec<Row>,
}

impl<'a> Tree<'a> {
    fn new(spans: &'a [WaterfallSpan]) -> Self {
        let mut places = HashMap::new();
        let mut children: HashMap<_, Vec<_>> = HashMap::new();
        for (at, span) in spans.iter().enumerate() {
            if *places.entry(span.span_id).or_insert(at) != at {
                continue;
            }
            if let Some(parent) = span.parent_span_id {
                children.entry(parent).or_default().push(at);
            }
        }
        Self { spans, places, children, seen: HashSet::new(), rows: Vec::new() }
    }

    /// Returns the spans whose parent is not among them.
    fn tops(&self) -> impl Iterator<Item = usize> {
        (0..self.spans.len()).filter(|at| self.is_top(*at))
    }

    fn is_top(&self, at: usize) -> bool {
        let span = &self.spans[at];
        let is_first = self.places.get(&span.span_id) == Some(&at);
        is_first && span.parent_span_id.is_none_or(|parent| !self.places.contains_key(&parent))
    }

    fn is_whole(&self) -> bool {
        let mut tops = self.tops().map(|at| &self.spans[at]);
        let Some(first) = tops.next() else {
            return false;
        };
        let caller = first.parent_span_id;
        let is_entry = caller.is_none() || first.remote_parent;
        let has_same_caller = |top: &WaterfallSpan| {
            top.remote_parent && caller.is_some() && top.parent_span_id == caller
        };
        is_entry && tops.all(has_same_caller)
    }

    /// Adds a span and all spans below it. It uses a stack on the heap, because a trace may be of
    /// any depth.
    fn add(&mut self, top: usize, mark_orphan: bool) {
        let orphaned = mark_orphan && self.spans[top].parent_span_id.is_some();
        let mark = if orphaned { "… " } else { "" };
        let below = if orphaned { "  " } else { "" };
        let mut stack = vec![(top, mark.to_owned(), below.to_owned(), 0)];
        while let Some((span, prefix, below, level)) = stack.pop() {
            if !self.seen.insert(self.spans[span].span_id) {
                continue;
            }
            let children = self.unseen_children(span);
            let line = if children.is_empty() { "  " } else { "│ " };
            self.rows.push(Row { span, prefix, below: format!("{below}{line}") });
            for (place, child) in children.into_iter().enumerate() {
                let (own, below) = branches(&below, place == 0, level);
                stack.push((child, own, below, level + 1));
            }
        }
    }

    /// Returns the last child first, because the stack is popped from the end.
    fn unseen_children(&self, parent: usize) -> Vec<usize> {
        let children = self.children.get(&self.spans[parent].span_id);
        let unseen = |at: &&usize| !self.seen.contains(&self.spans[**at].span_id);
        let children = children.into_iter().flatten().rev();
        children.filter(unseen).copied().collect()
    }
}

fn branches(below: &str, is_last: bool, level: usize) -> (String, String) {
    let (own, further) = match is_last {
        true => ("└ ", "  "),
        false => ("├ ", "│ "),
    };
    let further = if level < MAX_LEVELS { further } else { "" };
    (format!("{below}{own}"), format!("{below}{further}"))
}
