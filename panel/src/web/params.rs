//! Parameters of an address.

use serde::Deserialize;

use crate::{
    analysis::{Searched, Window},
    model::{SpanId, TraceId, now},
    pages::Choice,
    query::{Query, QueryError},
    store::{Order, TraceSearch},
};

/// Maximum number of traces in a search.
pub(super) const MOST_TRACES: usize = 1_000;

/// Parameters of pages and of the API. An invalid parameter has its default value.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Params {
    #[serde(default)]
    pub(super) q: String,
    window: Option<String>,
    sort: Option<String>,
    from: Option<String>,
    to: Option<String>,
    before: Option<String>,
    limit: Option<String>,
    span: Option<String>,
    service: Option<String>,
    name: Option<String>,
    a: Option<String>,
    b: Option<String>,
    cursor: Option<String>,
    of: Option<String>,
}

impl Params {
    /// Parses the search. On an error nothing matches.
    pub(super) fn query(&self) -> Result<Query, QueryError> {
        Query::parse(&self.q)
    }

    pub(super) fn choice(&self, default: &str) -> Choice {
        let limits = (number(&self.from), number(&self.to));
        if self.window.is_none() && (limits.0.is_some() || limits.1.is_some()) {
            let (from, to) = (limits.0.unwrap_or(0), limits.1.unwrap_or_else(now));
            return Choice { name: String::new(), window: Window { from, to: to.max(from) } };
        }
        let name = self.window.as_deref().unwrap_or(default);
        let is_known = name == "all" || Window::last(name).is_some();
        let name = if is_known { name } else { default };
        let window = Window::last(name).unwrap_or_else(Window::all);
        Choice { name: name.to_owned(), window }
    }

    pub(super) fn order(&self) -> Order {
        match self.sort.as_deref() {
            Some("slowest") => Order::Slowest,
            _ => Order::Newest,
        }
    }

    pub(super) fn search(&self, query: Query, window: Window) -> TraceSearch {
        let most = self.limit(MOST_TRACES);
        TraceSearch { query, from: window.from, to: window.to, order: self.order(), most }
    }

    pub(super) fn limit(&self, default: usize) -> usize {
        let limit = number(&self.limit).and_then(|limit| usize::try_from(limit).ok());
        limit.unwrap_or(default).clamp(1, MOST_TRACES)
    }

    pub(super) fn before(&self) -> Option<u64> {
        number(&self.before)
    }

    /// Returns the number of rows before the first row of a page.
    pub(super) fn first_row(&self) -> usize {
        number(&self.from).and_then(|first| usize::try_from(first).ok()).unwrap_or(0)
    }

    pub(super) fn span(&self) -> Option<SpanId> {
        self.span.as_deref()?.parse().ok()
    }

    /// Returns the traces to compare.
    pub(super) fn compared(&self) -> [Option<TraceId>; 2] {
        [&self.a, &self.b].map(|id| id.as_deref()?.trim().parse().ok())
    }

    /// Returns the position of the cursor in the search, by default its end.
    pub(super) fn cursor(&self) -> usize {
        let cursor = number(&self.cursor).and_then(|cursor| usize::try_from(cursor).ok());
        cursor.unwrap_or(usize::MAX)
    }

    pub(super) fn searched(&self) -> Searched {
        match self.of.as_deref() {
            Some("logs") => Searched::Logs,
            _ => Searched::Spans,
        }
    }

    pub(super) fn metric(&self) -> Option<(&str, &str)> {
        Some((self.service.as_deref()?, self.name.as_deref()?))
    }
}

fn number(text: &Option<String>) -> Option<u64> {
    text.as_deref()?.parse().ok()
}
