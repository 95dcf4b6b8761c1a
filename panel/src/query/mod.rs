//! Search language of traces and logs.
//!
//! ```text
//! query    = *( [ "-" ] ( filter / text ) )      separated by spaces; all must hold
//! filter   = field operator value
//! field    = "service" / "operation" / "name" / "route" / "kind" / "status" / "dur" / "error"
//!          / "trace" / "span" / "severity" / key of an attribute
//! operator = ":" / "=" / "!=" / ">" / ">=" / "<" / "<=" / "~"
//! value    = word / quoted                       "*" in a word stands for any text
//! text     = word / quoted
//! quoted   = DQUOTE *( character / "\" DQUOTE / "\\" ) DQUOTE
//! ```
//!
//! `:` and `=` are equivalent. `~` means "contains". `dur` accepts a unit: `dur>200ms`. Text is
//! searched in names, messages, bodies, events and attribute values; ASCII letters are compared
//! case-insensitively. `-` excludes matches. All filters of a query must match the same span or
//! record.

mod condition;
mod error;
mod field;
mod lexer;
mod parser;
mod pattern;
mod signature;
mod slot;

use self::{condition::Term, field::Field, parser::parse};
pub use self::{
    error::QueryError,
    field::{FIELDS, value_of_log, value_of_span},
    signature::Signature,
    slot::Slot,
};
use crate::model::{LogRecord, Span, TraceId};

/// Parsed search.
///
/// ```
/// use tracing_panel::query::Query;
///
/// let query = Query::parse("service:gateway status>=500 dur>200ms").unwrap();
/// assert!(!query.is_empty());
///
/// let error = Query::parse("service:gateway dur>fast").unwrap_err();
/// assert_eq!(error.to_string(), "column 21: expected a duration such as 200ms or 1.5s");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    terms: Vec<Term>,
}

impl Query {
    /// Parses the text of a search.
    ///
    /// # Errors
    ///
    /// If the text does not follow the grammar, with the position.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        Ok(Self { terms: parse(text)? })
    }

    /// Whether the query matches all spans and records.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether the span matches.
    pub fn matches_span(&self, span: &Span) -> bool {
        self.terms.iter().all(|term| term.condition.matches_span(span) != term.excluded)
    }

    /// Whether the record matches.
    pub fn matches_log(&self, record: &LogRecord) -> bool {
        self.terms.iter().all(|term| term.condition.matches_log(record) != term.excluded)
    }

    /// Whether a span with this signature may match. It is a fast check before `matches_span`.
    pub fn may_match(&self, signature: &Signature) -> bool {
        let required = self.terms.iter().filter(|term| !term.excluded);
        required.into_iter().all(|term| term.condition.may_match(signature))
    }

    /// Returns the value that each match has in this field, if the query requires one.
    pub fn required(&self, field: &str) -> Option<&str> {
        let field = Field::from_name(field);
        let required = self.terms.iter().filter(|term| !term.excluded);
        required.into_iter().find_map(|term| term.condition.literal_of(&field))
    }

    /// Returns the minimum duration of each match, in nanoseconds.
    pub fn shortest(&self) -> Option<u64> {
        let required = self.terms.iter().filter(|term| !term.excluded);
        required.into_iter().filter_map(|term| term.condition.shortest()).max()
    }

    /// Returns the trace to which the query is limited.
    pub fn trace(&self) -> Option<TraceId> {
        let required = self.terms.iter().filter(|term| !term.excluded);
        required.into_iter().find_map(|term| term.condition.trace())
    }
}

/// Returns the value in the form of a search: quoted if a bare word would have another meaning.
pub fn quote(value: &str) -> String {
    let special = |c: char| c.is_whitespace() || c == '"' || c == '*';
    if !value.is_empty() && !value.contains(special) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests;
