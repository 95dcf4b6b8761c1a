//! Order of the spans of a trace in a waterfall.

use std::{collections::HashMap, sync::Arc};

use super::path::critical_path;
use crate::model::{Nanos, Span, SpanId};

/// Minimum number of equal siblings that are folded.
const FOLD_FROM: usize = 4;

/// Divisor of the trace's duration for the minimum length of a marked gap.
const GAP_FROM: u64 = 20;

/// Row of a waterfall.
#[derive(Clone, Debug)]
pub struct TreeRow {
    /// Span.
    pub span: Arc<Span>,
    /// Number of ancestors.
    pub depth: usize,
    /// Number of descendants of this span.
    pub descendants: usize,
    /// Time in which no child was running, in nanoseconds.
    pub self_time: u64,
    /// Longest time in which no child was running: its start and its length in nanoseconds. `None`
    /// for a span without children, or if it is shorter than a twentieth of the trace.
    pub gap: Option<(Nanos, u64)>,
    /// Whether a shorter duration of the span would shorten the trace.
    pub critical: bool,
    /// Whether the span has a parent that is absent from the trace.
    pub orphan: bool,
    /// Whether the span starts before its parent or ends after it.
    pub skewed: bool,
    /// Number of equal siblings that start with this row, if they are folded, or else 0.
    pub repeated: usize,
}

/// Parents and children by the positions of spans.
pub(super) struct Links {
    pub(super) children: Vec<Vec<usize>>,
    parents: Vec<Option<usize>>,
    roots: Vec<usize>,
}

/// Returns the spans in the order of a waterfall: parents before children, children by start.
///
/// Spans whose parent is absent are roots. Of the spans of a cycle, the first is a root.
pub fn rows(spans: &[Arc<Span>]) -> Vec<TreeRow> {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|span| (span.start, u64::MAX - span.duration()));
    let links = Links::new(&spans);
    let critical = critical_path(&spans, &links.children, &links.roots);
    let mut rows: Vec<TreeRow> = Vec::with_capacity(spans.len());
    let mut open: Vec<(usize, usize)> = links.roots.iter().rev().map(|root| (*root, 0)).collect();
    while let Some((index, depth)) = open.pop() {
        rows.push(row(&spans, &links, index, depth, critical[index]));
        open.extend(links.children[index].iter().rev().map(|child| (*child, depth + 1)));
    }
    drop_short_gaps(&mut rows);
    count_descendants(&mut rows);
    mark_repeated(&mut rows);
    rows
}

fn row(spans: &[Arc<Span>], links: &Links, index: usize, depth: usize, critical: bool) -> TreeRow {
    let span = &spans[index];
    let parent = links.parents[index].map(|parent| &spans[parent]);
    let children = links.children[index].iter().map(|child| &*spans[*child]);
    let (self_time, gap) = uncovered(span, children);
    TreeRow {
        span: Arc::clone(span),
        depth,
        descendants: 0,
        self_time,
        gap: gap.filter(|_| !links.children[index].is_empty()),
        critical,
        orphan: span.parent.is_some() && parent.is_none(),
        skewed: parent.is_some_and(|parent| span.start < parent.start),
        repeated: 0,
    }
}

impl Links {
    fn new(spans: &[Arc<Span>]) -> Self {
        let indexes: HashMap<SpanId, usize> =
            spans.iter().enumerate().map(|(index, span)| (span.id, index)).collect();
        let parent = |span: &Arc<Span>| indexes.get(&span.parent?).copied();
        let mut links = Self {
            children: vec![Vec::new(); spans.len()],
            parents: spans.iter().map(parent).collect(),
            roots: Vec::new(),
        };
        links.break_cycles();
        for (index, parent) in links.parents.iter().enumerate() {
            match parent {
                Some(parent) => links.children[*parent].push(index),
                None => links.roots.push(index),
            }
        }
        links
    }

    /// Removes the parent of the first span of each cycle.
    fn break_cycles(&mut self) {
        const NEW: usize = usize::MAX;
        let mut seen = vec![NEW; self.parents.len()];
        for start in 0..self.parents.len() {
            let mut at = start;
            while seen[at] == NEW {
                seen[at] = start;
                let Some(parent) = self.parents[at] else { break };
                if seen[parent] == start {
                    self.parents[parent.min(at)] = None;
                    break;
                }
                at = parent;
            }
        }
    }
}

/// Returns the part of the duration that no child covers, and the longest gap.
fn uncovered<'a>(
    span: &Span,
    children: impl Iterator<Item = &'a Span>,
) -> (u64, Option<(Nanos, u64)>) {
    let (mut covered, mut until, mut gap) = (0, span.start, (span.start, 0));
    for child in children {
        let (start, end) = (child.start.max(until), child.end.min(span.end));
        if end > start {
            gap = longer(gap, (until, start - until));
            covered += end - start;
            until = end;
        }
    }
    gap = longer(gap, (until, span.end.saturating_sub(until)));
    (span.duration().saturating_sub(covered), Some(gap).filter(|(_, length)| *length > 0))
}

fn longer(first: (Nanos, u64), second: (Nanos, u64)) -> (Nanos, u64) {
    if second.1 > first.1 { second } else { first }
}

fn drop_short_gaps(rows: &mut [TreeRow]) {
    let first = rows.iter().map(|row| row.span.start).min().unwrap_or(0);
    let last = rows.iter().map(|row| row.span.end).max().unwrap_or(0);
    let shortest = last.saturating_sub(first) / GAP_FROM;
    for row in rows {
        row.gap = row.gap.filter(|(_, length)| *length >= shortest);
    }
}

fn count_descendants(rows: &mut [TreeRow]) {
    let mut open: Vec<usize> = Vec::new();
    for index in 0..=rows.len() {
        let depth = rows.get(index).map_or(0, |row| row.depth);
        while open.last().is_some_and(|last| rows[*last].depth >= depth) || index == rows.len() {
            let Some(closed) = open.pop() else { break };
            rows[closed].descendants = index - closed - 1;
        }
        open.push(index);
    }
}

/// Marks the first row of adjacent equal siblings without descendants.
fn mark_repeated(rows: &mut [TreeRow]) {
    let mut start = 0;
    while start < rows.len() {
        let run = rows[start..].iter().take_while(|row| is_equal(&rows[start], row)).count();
        if run >= FOLD_FROM {
            rows[start].repeated = run;
        }
        start += run.max(1);
    }
}

fn is_equal(first: &TreeRow, row: &TreeRow) -> bool {
    first.descendants == 0
        && row.descendants == 0
        && first.depth == row.depth
        && first.span.parent == row.span.parent
        && first.span.name == row.span.name
        && first.span.service() == row.span.service()
        && first.span.is_error() == row.span.is_error()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{child, span, span_id};

    fn names(rows: &[TreeRow]) -> Vec<(String, usize)> {
        rows.iter().map(|row| (row.span.name.to_string(), row.depth)).collect()
    }

    fn at(mut span: Span, start: u64, end: u64) -> Arc<Span> {
        (span.start, span.end) = (start, end);
        Arc::new(span)
    }

    #[test]
    fn children_follow_their_parent_by_start() {
        let root = at(span("a", "root"), 0, 100);
        let late = at(child(&root, "a", "late"), 60, 90);
        let early = at(child(&root, "a", "early"), 10, 50);
        let inner = at(child(&early, "a", "inner"), 20, 30);
        let rows = rows(&[late, inner, root, early]);
        let expected = [("root", 0), ("early", 1), ("inner", 2), ("late", 1)];
        assert_eq!(names(&rows), expected.map(|(name, depth)| (name.to_owned(), depth)));
        let counts: Vec<_> = rows.iter().map(|row| (row.descendants, row.self_time)).collect();
        assert_eq!(counts, [(3, 30), (1, 30), (0, 10), (0, 30)]);
    }

    #[test]
    fn the_longest_time_without_a_child_is_a_gap() {
        let root = at(span("a", "root"), 0, 1_000);
        let first = at(child(&root, "a", "first"), 10, 200);
        let second = at(child(&root, "a", "second"), 500, 990);
        let inner = at(child(&second, "a", "inner"), 500, 970);
        let rows = rows(&[root, first, second, inner]);
        let gaps: Vec<_> = rows.iter().map(|row| row.gap).collect();
        assert_eq!(gaps, [Some((200, 300)), None, None, None]);
    }

    #[test]
    fn the_critical_path_leads_back_from_the_end() {
        let root = at(span("a", "root"), 0, 100);
        let hidden = at(child(&root, "a", "hidden"), 0, 40);
        let first = at(child(&root, "a", "first"), 0, 50);
        let second = at(child(&root, "a", "second"), 50, 95);
        let rows = rows(&[root, hidden, first, second]);
        let critical: Vec<_> =
            rows.iter().filter(|row| row.critical).map(|row| &*row.span.name).collect();
        assert_eq!(critical, ["root", "first", "second"]);
    }

    #[test]
    fn cycles_self_parents_and_missing_parents_end() {
        let mut spans = [span("a", "x"), span("a", "y"), span("a", "own"), span("a", "orphan")];
        spans[0].parent = Some(spans[1].id);
        spans[1].parent = Some(spans[0].id);
        spans[2].parent = Some(spans[2].id);
        spans[3].parent = Some(span_id(u64::MAX));
        let spans = spans.map(Arc::new);
        let rows = rows(&spans);
        assert_eq!(rows.len(), 4, "each span has one row");
        assert_eq!(rows.iter().filter(|row| row.depth == 0).count(), 3);
        assert!(rows.iter().any(|row| row.orphan));
    }

    #[test]
    fn a_deep_trace_needs_no_deep_stack() {
        let mut spans = vec![Arc::new(span("a", "root"))];
        for _ in 0..50_000 {
            spans.push(Arc::new(child(spans.last().unwrap(), "a", "inner")));
        }
        let rows = rows(&spans);
        assert_eq!((rows.len(), rows[50_000].depth, rows[0].descendants), (50_001, 50_000, 50_000));
    }

    #[test]
    fn equal_siblings_are_folded() {
        let root = Arc::new(span("a", "root"));
        let mut spans = vec![Arc::clone(&root)];
        spans.extend((0..120).map(|_| Arc::new(child(&root, "a", "SELECT"))));
        spans.extend((0..3).map(|_| Arc::new(child(&root, "a", "INSERT"))));
        let repeated: Vec<_> =
            rows(&spans).iter().map(|row| row.repeated).filter(|count| *count > 0).collect();
        assert_eq!(repeated, [120]);
    }
}
