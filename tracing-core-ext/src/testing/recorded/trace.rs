use std::{fmt, panic::Location};

use opentelemetry::TraceId;

use super::{notes, snapshot, span::EndedSpan, store::StoredSpan};
use crate::testing::tree::{compare, report, tree::Tree};

/// A trace whose spans have all ended.
#[derive(Clone)]
pub struct EndedTrace {
    spans: Vec<StoredSpan>,
}

impl EndedTrace {
    pub(crate) const fn new(spans: Vec<StoredSpan>) -> Self {
        Self { spans }
    }

    /// Compares the trace with the expected tree, which [`trace!`](crate::testing::trace) makes. It can be called
    /// several times, with trees of different detail.
    ///
    /// # Panics
    ///
    /// If the trace differs. The message is the waterfall, in which the lines that differ are marked.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the tree is written as a literal")]
    pub fn is(&self, expected: Tree) -> &Self {
        let differences = compare::differences(&expected, &self.spans);
        if !differences.is_empty() {
            let number = match differences.len() {
                1 => "1 difference".to_owned(),
                number => format!("{number} differences"),
            };
            let waterfall = report::marked(&self.spans, &differences);
            let notes = notes::about_missing();
            panic!(
                "{number} from the expected trace\n{waterfall}{notes}{}",
                at(Location::caller())
            );
        }
        self
    }

    /// Returns the id of the trace.
    pub fn trace_id(&self) -> TraceId {
        self.spans.first().map_or(TraceId::INVALID, StoredSpan::trace_id)
    }

    /// Returns the spans, in the order in which they ended.
    pub fn spans(&self) -> Vec<EndedSpan> {
        self.spans.iter().map(EndedSpan::new).collect()
    }

    #[cfg(test)]
    pub(crate) fn stored(&self) -> &[StoredSpan] {
        &self.spans
    }

    /// Returns the only span of this name.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn span(&self, name: &str) -> EndedSpan {
        let mut named = self.spans.iter().filter(|span| span.data.name == name);
        let (first, second) = (named.next(), named.next());
        match (first, second) {
            (Some(span), None) => EndedSpan::new(span),
            (first, _) => {
                let found = if first.is_none() { "no span" } else { "several spans" };
                panic!("{found} of the name {name:?}\n{}", report::marked(&self.spans, &[]))
            }
        }
    }

    /// Returns the waterfall for a snapshot: the id of the trace is 1, and each start and end of a span is one
    /// millisecond after the one before. Spans that run at the same time are in the order of their starts.
    pub fn waterfall(&self) -> String {
        report::text(&snapshot::normalised(std::slice::from_ref(&self.spans))[0])
    }
}

fn at(location: &Location<'_>) -> String {
    format!("compared at {}", location)
}

/// The waterfall, with ids and times as they were.
impl fmt::Debug for EndedTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&report::text(&self.spans))
    }
}
