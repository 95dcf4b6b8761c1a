//! Comparison of a trace with a tree.

use std::collections::HashMap;

use opentelemetry::trace::{SpanId, Status};

use super::{
    expected::shown,
    tree::{Count, ExpectedStatus, Tree, kind_name},
};
use crate::testing::recorded::store::StoredSpan;

/// A difference from the expected tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Line of the waterfall, or `None` for the trace as a whole.
    pub(crate) span: Option<SpanId>,
    pub(crate) text: String,
}

/// The spans of a trace, by their parents.
pub(crate) struct Spans<'a> {
    spans: &'a [StoredSpan],
    children: HashMap<SpanId, Vec<&'a StoredSpan>>,
}

impl<'a> Spans<'a> {
    pub(crate) fn new(spans: &'a [StoredSpan]) -> Self {
        let mut children: HashMap<_, Vec<&StoredSpan>> = HashMap::new();
        for span in spans {
            children.entry(span.data.parent_span_id).or_default().push(span);
        }
        children.values_mut().for_each(|of_one| of_one.sort_by_key(|it| it.data.start_time));
        Self { spans, children }
    }

    /// Returns the spans whose parents are not among them, in the order of their starts.
    pub(crate) fn roots(&self) -> Vec<&'a StoredSpan> {
        let has_parent = |span: &&StoredSpan| {
            !self.spans.iter().any(|other| other.id() == span.data.parent_span_id)
        };
        let mut roots: Vec<_> = self.spans.iter().filter(has_parent).collect();
        roots.sort_by_key(|span| span.data.start_time);
        roots
    }

    pub(crate) fn children(&self, span: &StoredSpan) -> &[&'a StoredSpan] {
        self.children.get(&span.id()).map_or(&[], Vec::as_slice)
    }
}

/// Returns the differences of a trace from the expected tree.
pub(crate) fn differences(expected: &Tree, spans: &[StoredSpan]) -> Vec<Difference> {
    let spans = Spans::new(spans);
    match *spans.roots() {
        [root] => of_span(expected, root, &spans),
        ref roots => {
            let text = format!("expected one root, found {}", roots.len());
            vec![Difference { span: None, text }]
        }
    }
}

fn of_span(expected: &Tree, span: &StoredSpan, spans: &Spans<'_>) -> Vec<Difference> {
    let mut differences = of_data(expected, span);
    differences.extend(of_children(expected, span, spans));
    differences
}

/// Compares a span without those below it.
fn of_data(expected: &Tree, span: &StoredSpan) -> Vec<Difference> {
    let data = &span.data;
    let mut texts = Vec::new();
    if let Some(name) = expected.name.filter(|name| *name != data.name) {
        texts.push(format!("name: expected {name:?}, found {:?}", data.name));
    }
    if expected.kind != data.span_kind && (expected.has_kind || !expected.is_never) {
        let kinds = (kind_name(&expected.kind), kind_name(&data.span_kind));
        texts.push(format!("kind: expected {}, found {}", kinds.0, kinds.1));
    }
    let status = expected.status.unwrap_or(ExpectedStatus::Unset);
    if !status.is_met_by(&data.status) && (expected.status.is_some() || !expected.is_never) {
        texts.push(format!("status: expected {status}, found {}", status_text(&data.status)));
    }
    for (key, value) in &expected.attributes {
        let mut found = data.attributes.iter().filter(|it| it.key.as_str() == *key);
        match found.next() {
            None => texts.push(format!("{key}: expected {value}, found nothing")),
            Some(found) if !value.is_met_by(&found.value) => {
                texts.push(format!("{key}: expected {}", value.difference(&found.value)));
            }
            Some(_) => {}
        }
        if found.next().is_some() {
            texts.push(format!("{key}: occurs more than once"));
        }
    }
    if !expected.other_attributes {
        let is_expected = |key: &str| expected.attributes.iter().any(|(other, _)| *other == key);
        let others = data.attributes.iter().filter(|it| !is_expected(it.key.as_str()));
        let unexpected = others
            .map(|it| format!("{}: expected nothing, found {}", it.key.as_str(), shown(&it.value)));
        texts.extend(unexpected);
    }
    texts.into_iter().map(|text| Difference { span: Some(span.id()), text }).collect()
}

fn status_text(status: &Status) -> String {
    match status {
        Status::Unset => "unset".to_owned(),
        Status::Ok => "ok".to_owned(),
        Status::Error { description } if description.is_empty() => "error".to_owned(),
        Status::Error { description } => format!("error {description:?}"),
    }
}

/// Compares the children of a span with the expected ones, in any order.
fn of_children(expected: &Tree, span: &StoredSpan, spans: &Spans<'_>) -> Vec<Difference> {
    let actual = spans.children(span);
    let compared: Vec<Vec<Vec<Difference>>> = expected
        .children
        .iter()
        .map(|(_, tree)| actual.iter().map(|child| of_span(tree, child, spans)).collect())
        .collect();
    let counts: Vec<Count> = expected.children.iter().map(|(count, _)| *count).collect();
    let matches = |tree: usize, child: usize| compared[tree][child].is_empty();
    let mut assigned = Assignment::new(&counts, actual.len(), matches);
    assigned.assign(|count| count.least);
    assigned.assign(|count| count.most);

    let mut differences = Vec::new();
    let mut rest: Vec<usize> = assigned.unassigned();
    for (tree, (count, wanted)) in expected.children.iter().enumerate() {
        let found = assigned.number(tree);
        if count.most == 0 {
            let forbidden = rest.iter().filter(|child| matches(tree, **child));
            differences.extend(forbidden.map(|child| Difference {
                span: Some(actual[*child].id()),
                text: format!("expected never: {wanted}"),
            }));
            rest.retain(|child| !matches(tree, *child));
            continue;
        }
        for _ in found..count.least {
            // The most similar span is probably the one that was meant.
            let similar = rest.iter().copied().filter(|child| is_similar(wanted, actual[*child]));
            let Some(child) = similar.min_by_key(|child| compared[tree][*child].len()) else {
                differences.push(missing(span, wanted, *count, found));
                break;
            };
            differences.extend(compared[tree][child].clone());
            rest.retain(|other| *other != child);
        }
    }
    if !expected.other_children {
        differences.extend(rest.into_iter().map(|child| Difference {
            span: Some(actual[child].id()),
            text: "expected no such span here".to_owned(),
        }));
    }
    differences
}

/// Whether a span has the name or the kind of the expected one.
fn is_similar(expected: &Tree, span: &StoredSpan) -> bool {
    let has_name = expected.name.is_none_or(|name| name == span.data.name);
    has_name || (expected.has_kind && expected.kind == span.data.span_kind)
}

fn missing(parent: &StoredSpan, expected: &Tree, count: Count, found: usize) -> Difference {
    let text = match count {
        Count { least: 1, most: 1 } => format!("expected below: {expected}, found none"),
        count => format!("expected below: {expected} * {count}, found {found}"),
    };
    Difference { span: Some(parent.id()), text }
}

/// Assignment of children to expected trees: a matching in a bipartite graph, by augmenting paths.
struct Assignment<'a, M> {
    counts: &'a [Count],
    matches: M,
    /// Tree of each child.
    trees: Vec<Option<usize>>,
}

impl<'a, M: Fn(usize, usize) -> bool> Assignment<'a, M> {
    fn new(counts: &'a [Count], children: usize, matches: M) -> Self {
        Self { counts, matches, trees: vec![None; children] }
    }

    /// Assigns children until each tree has `limit` of them, or as many as possible. Each tree keeps the number of
    /// children that it had before.
    fn assign(&mut self, limit: impl Fn(&Count) -> usize) {
        for tree in 0..self.counts.len() {
            let limit = limit(&self.counts[tree]).min(self.trees.len());
            while self.number(tree) < limit {
                if !self.augment(tree, &mut vec![false; self.trees.len()]) {
                    break;
                }
            }
        }
    }

    /// Assigns one more child to `tree`, for which other trees may exchange theirs.
    fn augment(&mut self, tree: usize, seen: &mut [bool]) -> bool {
        for child in 0..self.trees.len() {
            if seen[child] || self.trees[child] == Some(tree) || !(self.matches)(tree, child) {
                continue;
            }
            seen[child] = true;
            let owner = self.trees[child];
            if owner.is_none_or(|owner| self.augment(owner, seen)) {
                self.trees[child] = Some(tree);
                return true;
            }
        }
        false
    }

    fn number(&self, tree: usize) -> usize {
        self.trees.iter().filter(|of_child| **of_child == Some(tree)).count()
    }

    fn unassigned(&self) -> Vec<usize> {
        (0..self.trees.len()).filter(|child| self.trees[*child].is_none()).collect()
    }
}
