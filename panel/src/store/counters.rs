//! Counters of received and dropped telemetry.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of each signal since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Spans.
    pub traces: SignalCounters,
    /// Log records.
    pub logs: SignalCounters,
    /// Metric points.
    pub metrics: SignalCounters,
}

/// Kind of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Metric points.
    Metrics,
}

/// Counters of one signal since the start.
#[derive(Debug, Default)]
pub struct SignalCounters {
    received: AtomicU64,
    rejected: AtomicU64,
    evicted: AtomicU64,
    truncated: AtomicU64,
    malformed: AtomicU64,
}

impl Counters {
    /// Returns the counters of this signal.
    pub fn of(&self, signal: Signal) -> &SignalCounters {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Logs => &self.logs,
            Signal::Metrics => &self.metrics,
        }
    }
}

impl Signal {
    /// All signals.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// Returns the name in the path of OTLP: `/v1/traces`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

impl SignalCounters {
    pub(super) fn add(&self, received: usize, rejected: usize, evicted: usize) {
        self.received.fetch_add(received as u64, Ordering::Relaxed);
        self.rejected.fetch_add(rejected as u64, Ordering::Relaxed);
        self.evicted.fetch_add(evicted as u64, Ordering::Relaxed);
    }

    /// Counts entries that are refused because they are invalid.
    pub fn add_rejected(&self, rejected: usize) {
        self.rejected.fetch_add(rejected as u64, Ordering::Relaxed);
    }

    /// Counts truncated values and lists.
    pub fn add_truncated(&self, truncated: usize) {
        self.truncated.fetch_add(truncated as u64, Ordering::Relaxed);
    }

    /// Counts a request that cannot be read.
    pub fn add_malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of stored entries.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Returns the number of refused entries.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Returns the number of entries that were evicted for newer ones.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Returns the number of truncated values and lists.
    pub fn truncated(&self) -> u64 {
        self.truncated.load(Ordering::Relaxed)
    }

    /// Returns the number of requests that could not be read.
    pub fn malformed(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }
}

/// Memory use of a part of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Name of the entries.
    pub name: &'static str,
    /// Number of entries.
    pub entries: usize,
    /// Estimated memory in bytes.
    pub bytes: usize,
    /// Limit in bytes.
    pub limit: usize,
}
