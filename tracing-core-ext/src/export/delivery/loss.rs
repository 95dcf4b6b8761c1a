use std::{error::Error, fmt, time::Duration};

use super::counts::Snapshot;

/// Telemetry that was not delivered before the shutdown.
///
/// ```text
/// 3 of 40 spans were not delivered to http://localhost:4318/v1/traces: 3 failed (connection refused)
/// ```
#[derive(Clone)]
pub struct ShutdownError {
    losses: Vec<ExportLoss>,
    waited: Option<Duration>,
}

/// Counts of one exporter that did not deliver everything.
#[derive(Clone, Debug)]
pub struct ExportLoss {
    pub(crate) signal: Signal,
    pub(crate) destination: String,
    pub(crate) counted: Snapshot,
}

/// Kind of exported telemetry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Signal {
    Traces,
    Logs,
    /// Metrics with cumulative temporality: each export contains all values since the start.
    CumulativeMetrics,
    /// Metrics with delta temporality: each export contains the changes since the export before.
    DeltaMetrics,
}

impl ShutdownError {
    /// Returns an error if there are losses. `waited` is the timeout of a shutdown that has missed
    /// it.
    pub(crate) fn from_losses(
        losses: Vec<ExportLoss>,
        waited: Option<Duration>,
    ) -> Result<(), Self> {
        match losses.is_empty() {
            true => Ok(()),
            false => Err(Self { losses, waited }),
        }
    }

    /// Returns the loss of each exporter that did not deliver everything.
    pub fn losses(&self) -> &[ExportLoss] {
        &self.losses
    }
}

impl ExportLoss {
    /// Returns the destination of the exporter.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// Number of sampled spans that have ended, of log records, or of metric exports.
    pub fn ended(&self) -> u64 {
        self.counted.offered()
    }

    /// Number of them that were delivered.
    pub fn delivered(&self) -> u64 {
        self.counted.delivered
    }

    /// Number of them that were not delivered, for any reason.
    pub fn lost(&self) -> u64 {
        self.counted.lost() + self.counted.waiting
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, waited: Option<Duration>) -> fmt::Result {
        let Self { signal, destination, counted } = self;
        let (lost, ended) = (self.lost(), self.ended());
        let what = signal.counted();
        write!(f, "{lost} of {ended} {what} were not delivered to {destination}")?;
        if let Some(waited) = waited.filter(|_| counted.waiting > 0) {
            write!(f, " within {:.1} s", waited.as_secs_f64())?;
        }
        let parts = [
            (counted.failed, self.failures()),
            (counted.dropped, "dropped because the queue was full or closed".into()),
            (counted.waiting, "still waiting".into()),
        ];
        let mut separator = ": ";
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count} {what}")?;
            separator = ", ";
        }
        Ok(())
    }

    fn failures(&self) -> String {
        let reason = self.counted.last_error.as_deref();
        let reason = reason.map_or(String::new(), |reason| format!(" ({reason})"));
        format!("failed{reason}")
    }
}

impl Signal {
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Logs => "log records",
            Self::CumulativeMetrics | Self::DeltaMetrics => "metrics",
        }
    }

    fn counted(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Logs => "log records",
            Self::CumulativeMetrics | Self::DeltaMetrics => "exports of metrics",
        }
    }
}

/// Prints the message, because a `main` that returns the error prints it with `Debug`.
impl fmt::Debug for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, loss) in self.losses.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "; " })?;
            loss.write(f, self.waited)?;
        }
        Ok(())
    }
}

impl Error for ShutdownError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(signal: Signal, counted: Snapshot) -> ExportLoss {
        ExportLoss { signal, destination: "http://localhost:4318".to_owned(), counted }
    }

    fn message_of(losses: Vec<ExportLoss>, waited: Option<Duration>) -> String {
        ShutdownError::from_losses(losses, waited).unwrap_err().to_string()
    }

    #[test]
    fn a_loss_shows_the_counts_the_destination_and_the_reason() {
        let counted = Snapshot {
            delivered: 37,
            failed: 3,
            last_error: Some("connection refused".to_owned()),
            ..Snapshot::default()
        };
        assert_eq!(
            message_of(vec![loss(Signal::Traces, counted)], None),
            "3 of 40 spans were not delivered to http://localhost:4318: 3 failed (connection refused)"
        );
    }

    #[test]
    fn a_missed_deadline_is_reported_with_the_waiting_spans() {
        let waits = Snapshot { delivered: 4, dropped: 2, waiting: 3, ..Snapshot::default() };
        let failed = Snapshot { delivered: 1, failed: 1, ..Snapshot::default() };
        let losses = vec![loss(Signal::Traces, waits), loss(Signal::CumulativeMetrics, failed)];
        assert_eq!(
            message_of(losses, Some(Duration::from_secs(5))),
            "5 of 9 spans were not delivered to http://localhost:4318 within 5.0 s: \
             2 dropped because the queue was full or closed, 3 still waiting; \
             1 of 2 exports of metrics were not delivered to http://localhost:4318: 1 failed"
        );
    }

    #[test]
    fn without_a_loss_there_is_no_error() {
        assert!(ShutdownError::from_losses(Vec::new(), Some(Duration::ZERO)).is_ok());
    }
}
