//! Queue of each exporter of spans or log records.

use std::{ops::RangeInclusive, time::Duration};

use super::env::Env;
use crate::base::error::TelemetryError;

/// Largest number of items in a queue.
pub(super) const MAX_ITEMS: u64 = 1 << 20;

/// Size in memory of the items in a queue: 64 MiB.
const MAX_BYTES: usize = 64 << 20;

/// Limits that can be set for the memory of a queue: 1 MiB to 1 TiB.
pub(crate) const QUEUE_BYTES: RangeInclusive<usize> = 1 << 20..=(1 << 40) - 1;

/// Smallest delay. Zero would keep the export thread busy.
pub(crate) const MIN_DELAY: Duration = Duration::from_millis(1);

const QUEUE: usize = 2048;
const SIZE: usize = 512;
const EXPORT_TIMEOUT: Duration = Duration::from_secs(30);

/// Time without a lost item after which a loss has ended.
pub(crate) const QUIET_PERIOD: Duration = Duration::from_secs(30);

/// Limits of the items that wait for export.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchConfig {
    pub(crate) queue: usize,
    pub(crate) size: usize,
    /// Largest size in memory of the items in the queue.
    pub(crate) max_bytes: usize,
    /// Time between two exports, if it differs from the default of the exporter.
    pub(crate) delay: Option<Duration>,
    /// Time limit of one export with all its attempts, unless the timeout of the exporter is
    /// shorter.
    pub(crate) export_timeout: Duration,
    pub(crate) quiet_period: Duration,
}

impl BatchConfig {
    pub(crate) const fn new(queue: usize, size: usize, delay: Option<Duration>) -> Self {
        Self {
            queue,
            size,
            max_bytes: MAX_BYTES,
            delay,
            export_timeout: EXPORT_TIMEOUT,
            quiet_period: QUIET_PERIOD,
        }
    }
}

/// Variables of the queue of one signal.
pub(super) struct BatchVariables {
    pub(super) queue: &'static str,
    pub(super) size: &'static str,
    pub(super) delay: &'static str,
    pub(super) timeout: &'static str,
}

const SPANS: BatchVariables = BatchVariables {
    queue: "OTEL_BSP_MAX_QUEUE_SIZE",
    size: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    delay: "OTEL_BSP_SCHEDULE_DELAY",
    timeout: "OTEL_BSP_EXPORT_TIMEOUT",
};

impl Default for BatchConfig {
    fn default() -> Self {
        Self::new(QUEUE, SIZE, None)
    }
}

impl Env {
    pub(super) fn batch(&self) -> Result<BatchConfig, TelemetryError> {
        self.batch_of(&SPANS)
    }

    pub(super) fn batch_of(
        &self,
        variables: &BatchVariables,
    ) -> Result<BatchConfig, TelemetryError> {
        let default = BatchConfig::default();
        let queue = self.item_count(variables.queue)?.unwrap_or(default.queue);
        let timeout = self.timeout([variables.timeout])?;
        let delay = self.milliseconds([variables.delay], 0)?;
        Ok(BatchConfig {
            queue,
            size: self.batch_size(variables, queue)?.unwrap_or(default.size.min(queue)),
            delay: delay.map(|delay| delay.max(MIN_DELAY)),
            export_timeout: timeout.unwrap_or(default.export_timeout),
            ..default
        })
    }

    fn batch_size(
        &self,
        variables: &BatchVariables,
        queue: usize,
    ) -> Result<Option<usize>, TelemetryError> {
        match self.item_count(variables.size)? {
            Some(size) if size > queue => {
                let expected = format!("at most {}, which is {queue}", variables.queue);
                let error = TelemetryError::setting(variables.size, size.to_string(), expected);
                self.findings.ignore(error)
            }
            size => Ok(size),
        }
    }

    fn item_count(&self, name: &'static str) -> Result<Option<usize>, TelemetryError> {
        let expected = format!("a whole number from 1 to {MAX_ITEMS}");
        let count = self.number([name], 1..=MAX_ITEMS, &expected)?;
        Ok(count.and_then(|count| usize::try_from(count).ok()))
    }
}
