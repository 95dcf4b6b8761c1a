//! Errors of a search.

use std::fmt;

/// Error for a search that does not follow the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    position: usize,
    message: String,
}

impl QueryError {
    pub(super) fn new(position: usize, message: impl Into<String>) -> Self {
        Self { position, message: message.into() }
    }

    /// Returns the number of characters before the error.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns the description, without the position.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.position + 1, self.message)
    }
}

impl std::error::Error for QueryError {}
