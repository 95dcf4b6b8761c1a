//! Selection of spans by selectors.

mod selector;

use self::selector::{Combinator, Selector, Step};
use super::{
    recorded::{span::EndedSpan, store::StoredSpan},
    tree::{compare::Difference, report},
};

/// Spans that a selector has selected, made by [`Recorded::select`](super::Recorded::select).
#[derive(Debug)]
pub struct Selection {
    selector: String,
    selected: Vec<StoredSpan>,
    traces: Vec<Vec<StoredSpan>>,
}

impl Selection {
    /// # Panics
    ///
    /// If the selector is not valid.
    #[track_caller]
    pub(super) fn new(selector: &str, traces: Vec<Vec<StoredSpan>>) -> Self {
        let parsed = match Selector::parse(selector) {
            Ok(parsed) => parsed,
            Err(error) => panic!("select({selector:?}): {error}"),
        };
        let selected = traces.iter().flat_map(|trace| selected(&parsed, trace)).collect();
        Self { selector: selector.to_owned(), selected, traces }
    }

    /// Returns the selected spans, in the order in which they ended in each trace.
    pub fn all(&self) -> Vec<EndedSpan> {
        self.selected.iter().map(EndedSpan::new).collect()
    }

    /// Returns the only selected span.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn only(&self) -> EndedSpan {
        match &self.selected[..] {
            [span] => EndedSpan::new(span),
            _ => self.fail(1),
        }
    }

    /// Compares the number of selected spans.
    ///
    /// # Panics
    ///
    /// If the number differs.
    #[track_caller]
    pub fn count(self, expected: usize) -> Self {
        if self.selected.len() != expected {
            self.fail(expected);
        }
        self
    }

    #[track_caller]
    fn fail(&self, expected: usize) -> ! {
        let mark =
            |span: &StoredSpan| Difference { span: Some(span.id()), text: "selected".into() };
        let marks: Vec<_> = self.selected.iter().map(mark).collect();
        let waterfalls: String =
            self.traces.iter().map(|trace| report::marked(trace, &marks)).collect();
        let (selector, found) = (&self.selector, self.selected.len());
        panic!("select({selector:?}): expected {expected} spans, found {found}\n{waterfalls}")
    }
}

fn selected(selector: &Selector, trace: &[StoredSpan]) -> Vec<StoredSpan> {
    let is_selected = |span: &&StoredSpan| is_match(&selector.steps, span, trace);
    trace.iter().filter(is_selected).cloned().collect()
}

/// Whether `span` matches the last step, and spans above it match the steps before. A circle of parents ends, because
/// the number of steps to the top is limited by the number of spans.
fn is_match(steps: &[(Combinator, Step)], span: &StoredSpan, trace: &[StoredSpan]) -> bool {
    let Some(((combinator, step), above)) = steps.split_last() else { return true };
    if !step.is_met_by(&span.data) {
        return false;
    }
    if above.is_empty() {
        return true;
    }
    let parent = |span: &StoredSpan| trace.iter().find(|it| it.id() == span.data.parent_span_id);
    let mut ancestors = std::iter::successors(parent(span), |span| parent(span)).take(trace.len());
    match combinator {
        Combinator::Child => ancestors.next().is_some_and(|it| is_match(above, it, trace)),
        Combinator::Descendant => ancestors.any(|it| is_match(above, it, trace)),
    }
}
