use std::collections::{HashMap, HashSet};

use opentelemetry::SpanId;

use super::span::WaterfallSpan;

/// Deeper spans are not indented any further.
const MOST_LEVELS: usize = 12;

/// A line of the waterfall.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Which span, by its place among the spans given.
    pub(super) span: usize,
    /// The lines of the tree that lead to it.
    pub(super) prefix: String,
}

/// Puts every span below its parent, depth first.
///
/// A span whose parent is missing is marked, unless it is the only one and its parent is in
/// another process: then it is where this part of the trace begins, and nothing is amiss.
///
/// Ids come from the network: a parent may be missing, and parents may form a circle, in which
/// case the earliest span of the circle stands as if its parent were missing.
pub(super) fn arrange(spans: &[WaterfallSpan]) -> Vec<Row> {
    let mut tree = Tree::new(spans);
    let tops: Vec<_> = (0..spans.len()).filter(|at| tree.is_top(*at)).collect();
    if let [only] = tops[..] {
        tree.add(only, !spans[only].remote_parent);
    }
    for at in tops.into_iter().chain(0..spans.len()) {
        tree.add(at, true);
    }
    tree.rows
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

    fn is_top(&self, at: usize) -> bool {
        let parent = self.spans[at].parent_span_id;
        parent.is_none_or(|parent| !self.places.contains_key(&parent))
    }

    /// Adds a span and all below it, with a stack of its own, for a trace may be of any depth.
    fn add(&mut self, top: usize, mark_orphan: bool) {
        let orphaned = mark_orphan && self.spans[top].parent_span_id.is_some();
        let mark = if orphaned { "… " } else { "" };
        let below = if orphaned { "  " } else { "" };
        let mut stack = vec![(top, mark.to_owned(), below.to_owned(), 0)];
        while let Some((span, prefix, below, level)) = stack.pop() {
            if !self.seen.insert(self.spans[span].span_id) {
                continue;
            }
            self.rows.push(Row { span, prefix });
            for (place, child) in self.unseen_children(span).into_iter().enumerate() {
                let (own, below) = branches(&below, place == 0, level);
                stack.push((child, own, below, level + 1));
            }
        }
    }

    /// The last first, as they go on a stack.
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
    let further = if level < MOST_LEVELS { further } else { "" };
    (format!("{below}{own}"), format!("{below}{further}"))
}
