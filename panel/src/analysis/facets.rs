//! Frequent values in the result of a search.

use std::{cmp::Reverse, collections::HashMap};

use crate::store::TraceHit;

/// Maximum number of values of a facet.
const MOST_VALUES: usize = 8;

/// Field and its frequent values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// Field of a search.
    pub field: &'static str,
    /// Values with their numbers of traces, most frequent first.
    pub values: Vec<(String, usize)>,
}

/// Counts the services, operations and status codes of these traces.
pub fn facets(hits: &[TraceHit]) -> Vec<Facet> {
    let services = hits.iter().flat_map(|hit| hit.summary.services.iter());
    let services = count(services.map(|(service, _)| service.to_string()));
    let operations = count(hits.iter().map(|hit| hit.summary.root.operation().into_owned()));
    let codes = hits.iter().filter_map(|hit| hit.summary.root.status_code());
    let codes = count(codes.map(|code| code.to_string()));
    [("service", services), ("operation", operations), ("status", codes)]
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(field, values)| Facet { field, values })
        .collect()
}

fn count(values: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| Reverse(a.1).cmp(&Reverse(b.1)).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(MOST_VALUES);
    counts
}
