//! Groups of failed spans.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use super::overview::{INTERVALS, Window};
use crate::{
    model::{Nanos, Span},
    store::Snapshot,
};

/// Maximum number of groups.
const MOST_GROUPS: usize = 500;
/// Maximum number of examples of a group.
const MOST_EXAMPLES: usize = 5;
/// Maximum length of the compared part of a message, in characters.
const LONGEST_MESSAGE: usize = 200;

/// Failed spans of the same service, operation, type and message.
#[derive(Clone, Debug)]
pub struct ErrorGroup {
    /// Service.
    pub service: String,
    /// Operation.
    pub operation: String,
    /// Type of the error.
    pub kind: String,
    /// Message, in which `#` replaces numbers.
    pub message: String,
    /// Number of failed spans.
    pub count: usize,
    /// Start of the last failed span.
    pub last: Nanos,
    /// Failed spans of each interval of the window.
    pub counts: Vec<u32>,
    /// Last failed spans.
    pub examples: Vec<Arc<Span>>,
}

/// Groups the failed spans of this window. The largest group is first.
pub fn error_groups(snapshot: &Snapshot<'_>, window: Window) -> Vec<ErrorGroup> {
    let mut groups = BTreeMap::new();
    let traces = snapshot.traces().filter(|trace| trace.errors() > 0);
    let spans = traces.flat_map(|trace| trace.spans());
    for span in spans.filter(|span| span.is_error() && window.contains(span.start)) {
        add(&mut groups, span, window);
    }
    let mut groups: Vec<ErrorGroup> = groups.into_values().collect();
    groups.sort_by_key(|group| Reverse((group.count, group.last)));
    groups
}

type Key = (String, String, String, String);

fn add(groups: &mut BTreeMap<Key, ErrorGroup>, span: &Arc<Span>, window: Window) {
    let kind = span.error_type().unwrap_or_default().into_owned();
    let message = normalize(&span.error_message().unwrap_or_default());
    let key = (span.service().to_string(), span.operation().into_owned(), kind, message);
    let is_full = groups.len() >= MOST_GROUPS;
    let group = match groups.entry(key) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(_) if is_full => return,
        Entry::Vacant(new) => {
            let (service, operation, kind, message) = new.key().clone();
            let counts = vec![0; INTERVALS];
            let examples = Vec::new();
            let (count, last) = (0, 0);
            new.insert(ErrorGroup {
                service,
                operation,
                kind,
                message,
                count,
                last,
                counts,
                examples,
            })
        }
    };
    group.count += 1;
    group.last = group.last.max(span.start);
    group.counts[window.interval(span.start, INTERVALS)] += 1;
    if group.examples.len() < MOST_EXAMPLES {
        group.examples.push(Arc::clone(span));
    }
}

/// Returns the message with `#` instead of numbers, so that messages that differ only in
/// identifiers are equal.
fn normalize(message: &str) -> String {
    let mut normalized = String::new();
    for c in message.chars().take(LONGEST_MESSAGE) {
        match (c.is_ascii_digit(), normalized.ends_with('#')) {
            (true, true) => {}
            (true, false) => normalized.push('#'),
            (false, _) => normalized.push(c),
        }
    }
    normalized
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Status, store::Store, testing::span};

    #[test]
    fn messages_that_differ_in_numbers_are_one_group() {
        let store = Store::default();
        let failed = |message: &str| {
            let mut span = span("pricing", "GET /prices/{item}");
            (span.status, span.message) = (Status::Error, message.into());
            span
        };
        let spans = ["no item 17", "no item 4711", "no item 9", "timeout"].map(failed);
        store.add_spans(spans.to_vec());
        store.add_spans(vec![span("pricing", "GET /prices/{item}")]);
        let groups = error_groups(&store.read(), Window::all());
        let counts: Vec<_> = groups.iter().map(|group| (&*group.message, group.count)).collect();
        assert_eq!(counts, [("no item #", 3), ("timeout", 1)]);
        assert_eq!(groups[0].examples.len(), 3);
    }
}
