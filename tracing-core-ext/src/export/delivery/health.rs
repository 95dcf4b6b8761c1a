//! Health of one exporter. It produces one log line when a loss begins, and one when it ends.

use std::time::{Duration, Instant};

/// Health of one exporter.
#[derive(Debug)]
pub(crate) struct ExportHealth {
    quiet_period: Duration,
    lost: u64,
    failing: Option<Failing>,
}

#[derive(Debug)]
struct Failing {
    lost_before: u64,
    last_loss: Instant,
    /// Whether an export has succeeded since the last loss.
    has_delivered: bool,
}

/// Change of an [`ExportHealth`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HealthChange {
    /// Items are being lost from now on.
    Failing,
    /// Nothing has been lost for the quiet period, and items are delivered.
    Recovered {
        /// Number of items lost since [`Failing`](Self::Failing).
        lost: u64,
    },
}

impl ExportHealth {
    pub(crate) fn new(quiet_period: Duration) -> Self {
        Self { quiet_period, lost: 0, failing: None }
    }

    /// Compares the number of items lost until `now` with the last observation.
    pub(crate) fn observe(
        &mut self,
        lost: u64,
        has_delivered: bool,
        now: Instant,
    ) -> Option<HealthChange> {
        let before = std::mem::replace(&mut self.lost, lost);
        let is_losing = lost > before;
        match &mut self.failing {
            None if is_losing => {
                self.failing =
                    Some(Failing { lost_before: before, last_loss: now, has_delivered: false });
                Some(HealthChange::Failing)
            }
            None => None,
            Some(failing) if is_losing => {
                (failing.last_loss, failing.has_delivered) = (now, false);
                None
            }
            Some(failing) => {
                failing.has_delivered |= has_delivered;
                self.recover(now)
            }
        }
    }

    fn recover(&mut self, now: Instant) -> Option<HealthChange> {
        let has_recovered = self.recovers_at().is_some_and(|at| at <= now);
        let recovered = self.failing.take_if(|_| has_recovered)?;
        Some(HealthChange::Recovered { lost: self.lost - recovered.lost_before })
    }

    /// Returns the time at which the loss ends if no item is lost until then.
    pub(crate) fn recovers_at(&self) -> Option<Instant> {
        let failing = self.failing.as_ref().filter(|failing| failing.has_delivered)?;
        Some(failing.last_loss + self.quiet_period)
    }
}

impl HealthChange {
    /// Logs a change as one line. `reason` is the reason of the loss.
    pub(crate) fn log(&self, items: &str, destination: &str, reason: &str) {
        match self {
            Self::Failing => tracing::warn!(
                endpoint = destination,
                error = reason,
                "{items} cannot be delivered; requests are not affected"
            ),
            Self::Recovered { lost } => {
                tracing::info!(endpoint = destination, lost, "{items} are delivered again");
            }
        }
    }
}

#[cfg(all(test, not(model_checks)))]
mod tests {
    use super::*;
    use crate::config::batch::QUIET_PERIOD;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_loss_has_ended_after_a_quiet_period_with_a_delivery() {
        let (mut health, start) = (ExportHealth::new(QUIET_PERIOD), Instant::now());
        assert_eq!(health.observe(0, true, start), None);
        assert_eq!(health.observe(3, false, start), Some(HealthChange::Failing));
        assert_eq!(health.observe(5, false, start + SECOND), None);
        assert_eq!(health.recovers_at(), None, "nothing is delivered");
        assert_eq!(health.observe(5, true, start + 2 * SECOND), None);
        let end = start + SECOND + QUIET_PERIOD;
        assert_eq!(health.recovers_at(), Some(end));
        assert_eq!(health.observe(5, true, end - SECOND), None);
        assert_eq!(health.observe(5, false, end), Some(HealthChange::Recovered { lost: 5 }));
        assert_eq!(health.recovers_at(), None);
        assert_eq!(health.observe(6, true, end), Some(HealthChange::Failing));
    }

    #[test]
    fn a_loss_does_not_end_without_a_delivery() {
        let (mut health, start) = (ExportHealth::new(QUIET_PERIOD), Instant::now());
        health.observe(1, false, start);
        assert_eq!(health.observe(1, false, start + 100 * QUIET_PERIOD), None);
        let late = health.observe(1, true, start + 101 * QUIET_PERIOD);
        assert_eq!(late, Some(HealthChange::Recovered { lost: 1 }));
    }

    #[test]
    fn a_state_that_alternates_with_every_batch_changes_twice() {
        let (mut health, start) = (ExportHealth::new(QUIET_PERIOD), Instant::now());
        let mut changes = Vec::new();
        for batch in 0..100 {
            let lost = batch / 2 + 1;
            changes.extend(health.observe(u64::from(lost), true, start + batch * SECOND / 4));
        }
        changes.extend(health.observe(50, true, start + 60 * SECOND));
        assert_eq!(changes, [HealthChange::Failing, HealthChange::Recovered { lost: 50 }]);
    }
}
