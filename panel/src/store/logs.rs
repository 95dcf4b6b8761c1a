//! Log records in the order received.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::counters::Usage;
use crate::{
    model::{LogRecord, TraceId},
    query::Query,
};

/// Log records with a limit in bytes.
#[derive(Debug)]
pub(super) struct Logs {
    limit: usize,
    bytes: usize,
    /// Number of the first record.
    first: u64,
    records: VecDeque<Arc<LogRecord>>,
    by_trace: HashMap<TraceId, VecDeque<u64>>,
}

/// Found record with its number, at which a search can continue.
#[derive(Clone, Debug, PartialEq)]
pub struct LogHit {
    /// Number of the record in the order received.
    pub number: u64,
    /// Record.
    pub record: Arc<LogRecord>,
}

impl Logs {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, bytes: 0, first: 0, records: VecDeque::new(), by_trace: HashMap::new() }
    }

    pub(super) fn add(&mut self, record: Arc<LogRecord>) {
        self.bytes += size(&record);
        if let Some(id) = record.trace_id {
            let number = self.first + self.records.len() as u64;
            self.by_trace.entry(id).or_default().push_back(number);
        }
        self.records.push_back(record);
    }

    /// Drops the oldest records until the rest is within the limit. Returns the number of dropped
    /// records.
    pub(super) fn evict(&mut self) -> usize {
        let before = self.records.len();
        while self.bytes > self.limit {
            let Some(record) = self.records.pop_front() else { break };
            self.first += 1;
            self.bytes -= size(&record);
            if let Some(id) = record.trace_id {
                self.forget_first_of(id);
            }
        }
        before - self.records.len()
    }

    fn forget_first_of(&mut self, id: TraceId) {
        let Some(numbers) = self.by_trace.get_mut(&id) else { return };
        numbers.pop_front();
        if numbers.is_empty() {
            self.by_trace.remove(&id);
        }
    }

    pub(super) fn of_trace(&self, id: TraceId) -> Vec<Arc<LogRecord>> {
        let numbers = self.by_trace.get(&id).into_iter().flatten();
        let mut records: Vec<_> = numbers.filter_map(|number| self.find(*number)).collect();
        records.sort_by_key(|record| record.time);
        records
    }

    fn find(&self, number: u64) -> Option<Arc<LogRecord>> {
        let index = number.checked_sub(self.first)?;
        self.records.get(usize::try_from(index).ok()?).cloned()
    }

    pub(super) fn search(
        &self,
        query: &Query,
        before: Option<u64>,
        most: usize,
    ) -> (Vec<LogHit>, bool) {
        if let Some(id) = query.trace() {
            return self.search_trace(query, id, before, most);
        }
        let end = before.map_or(self.records.len(), |before| self.index(before));
        let records = self.records.range(..end).enumerate().rev();
        let matching = records.filter(|(_, record)| query.matches_log(record));
        let mut hits: Vec<_> = matching
            .take(most + 1)
            .map(|(index, record)| self.hit(self.first + index as u64, record))
            .collect();
        let has_more = hits.len() > most;
        hits.truncate(most);
        (hits, has_more)
    }

    fn search_trace(
        &self,
        query: &Query,
        id: TraceId,
        before: Option<u64>,
        most: usize,
    ) -> (Vec<LogHit>, bool) {
        let numbers = self.by_trace.get(&id).into_iter().flatten().rev();
        let mut hits: Vec<_> = numbers
            .filter(|number| before.is_none_or(|before| **number < before))
            .filter_map(|number| Some(self.hit(*number, &self.find(*number)?)))
            .filter(|hit| query.matches_log(&hit.record))
            .take(most + 1)
            .collect();
        let has_more = hits.len() > most;
        hits.truncate(most);
        (hits, has_more)
    }

    fn hit(&self, number: u64, record: &Arc<LogRecord>) -> LogHit {
        LogHit { number, record: Arc::clone(record) }
    }

    fn index(&self, number: u64) -> usize {
        let index = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        index.min(self.records.len())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<LogRecord>> {
        self.records.iter().rev()
    }

    pub(super) fn clear(&mut self) {
        self.first += self.records.len() as u64;
        self.records.clear();
        self.by_trace.clear();
        self.bytes = 0;
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            name: "log records",
            entries: self.records.len(),
            bytes: self.bytes,
            limit: self.limit,
        }
    }
}

/// Returns the bytes of the record, of its entry in the list, and of its entry in the index of
/// traces.
fn size(record: &LogRecord) -> usize {
    let index = if record.trace_id.is_some() { 64 } else { 0 };
    record.bytes() + size_of::<Arc<LogRecord>>() + 16 + index
}
