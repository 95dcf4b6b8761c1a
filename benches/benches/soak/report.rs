//! Figures of a run, and the rules that they break.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{MAX_FILES, MAX_MEMORY, callers::Calls, watch::Trend};

/// State of the service at one moment.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Snapshot {
    pub(crate) exporters: Vec<Exporter>,
    /// Number of sampled spans that have ended, counted by a processor.
    pub(crate) spans: u64,
    /// Number of log records that handlers have emitted.
    pub(crate) records: u64,
    pub(crate) in_flight: f64,
    /// Number of changes of the log filter and of the sampler.
    pub(crate) changes: u64,
    /// Number of panics that no caller has asked for.
    pub(crate) panics: u64,
}

/// Part of `ExporterStatus` that is compared.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Exporter {
    pub(crate) signal: String,
    pub(crate) destination: String,
    pub(crate) offered: u64,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) removed: u64,
    pub(crate) waiting: u64,
}

/// Results of a run.
pub(crate) struct Report {
    pub(crate) duration: Duration,
    pub(crate) calls: Calls,
    pub(crate) last: Snapshot,
    pub(crate) unbalanced: Vec<String>,
    /// Numbers of spans, exports of metrics and log records that the backend has accepted.
    pub(crate) received: BTreeMap<&'static str, u64>,
    pub(crate) memory: Trend,
    pub(crate) files: Trend,
    /// Error of the shutdown, or nothing.
    pub(crate) shutdown: String,
}

impl Snapshot {
    pub(crate) fn is_quiet(&self) -> bool {
        self.in_flight == 0.0 && self.of_backend().all(|exporter| exporter.waiting == 0)
    }

    pub(crate) fn of_backend(&self) -> impl Iterator<Item = &Exporter> {
        self.exporters.iter().filter(|exporter| exporter.destination.starts_with("http"))
    }

    pub(crate) fn unbalanced(&self) -> Option<String> {
        let is_unbalanced =
            |it: &&Exporter| it.offered != it.delivered + it.lost + it.removed + it.waiting;
        let exporter = self.exporters.iter().find(is_unbalanced)?;
        Some(format!("offered is not delivered, lost, removed and waiting: {exporter:?}"))
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Exporter { signal, offered, delivered, lost, waiting, .. } in self.of_backend() {
            write!(f, "{signal} {offered} = {delivered} + {lost} + {waiting}  ")?;
        }
        write!(f, "in flight {}", self.in_flight)
    }
}

impl Report {
    /// Returns the rules that the run has broken.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut failures = self.calls.failures.clone();
        failures.extend(self.unbalanced.iter().take(10).cloned());
        let mut check = |is_kept: bool, failure: String| {
            if !is_kept {
                failures.push(failure);
            }
        };
        for signal in ["spans", "metrics", "log records"] {
            let exporter = self.last.of_backend().find(|exporter| exporter.signal == signal);
            let Some(exporter) = exporter else {
                check(false, format!("{signal} have no exporter"));
                continue;
            };
            let received = self.received.get(signal).copied().unwrap_or(0);
            check(exporter.delivered > 0, format!("no {signal} were delivered"));
            check(exporter.waiting == 0, format!("{signal} wait: {exporter:?}"));
            // An item is sent again if its response was lost.
            let is_less = received < exporter.delivered;
            check(!is_less, format!("{received} {signal} were received: {exporter:?}"));
            let emitted = match signal {
                "spans" => self.last.spans,
                "log records" => self.last.records,
                _ => exporter.offered,
            };
            let is_offered = exporter.offered == emitted;
            check(is_offered, format!("{emitted} {signal} were emitted: {exporter:?}"));
        }
        let Snapshot { in_flight, changes, panics, .. } = self.last;
        check(in_flight == 0.0, format!("{in_flight} requests are in flight"));
        check(changes > 0, "no setting was changed".to_owned());
        check(panics == 0, format!("{panics} panics that no caller has asked for"));
        let Trend { growth, .. } = self.memory;
        check(growth <= MAX_MEMORY, format!("the memory has grown by {growth:.0} KiB"));
        let Trend { growth, .. } = self.files;
        check(growth <= MAX_FILES, format!("{growth:.1} more files are open"));
        failures
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "soak of {:.1} minutes", self.duration.as_secs_f64() / 60.0)?;
        writeln!(f, "{}", self.calls)?;
        writeln!(f, "| | offered | delivered | lost | waiting | received |")?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
        for exporter in &self.last.exporters {
            let Exporter { signal, destination, offered, delivered, lost, waiting, .. } = exporter;
            let is_backend = destination.starts_with("http");
            let received = self.received.get(&**signal).filter(|_| is_backend);
            let received = received.map_or_else(String::new, u64::to_string);
            let to = if is_backend { "backend" } else { &**destination };
            writeln!(
                f,
                "| {signal} to {to} | {offered} | {delivered} | {lost} | {waiting} | {received} |"
            )?;
        }
        let Snapshot { in_flight, changes, .. } = self.last;
        writeln!(f, "\nin flight at the end: {in_flight}; settings changed: {changes} times")?;
        let Trend { start, slope, growth } = self.memory;
        writeln!(f, "memory: {start:.0} KiB, {slope:+.1} KiB a minute, {growth:+.0} KiB in all")?;
        let Trend { start, slope, growth } = self.files;
        writeln!(f, "open files: {start:.1}, {slope:+.3} a minute, {growth:+.1} in all")?;
        write!(f, "shutdown: {}", if self.shutdown.is_empty() { "ok" } else { &self.shutdown })
    }
}
