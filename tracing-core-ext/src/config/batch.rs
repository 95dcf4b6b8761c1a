use std::{ops::RangeInclusive, time::Duration};

use super::env::{Env, positive};
use crate::{base::error::TelemetryError, export::QUIET_PERIOD};

/// Largest number of spans in a queue.
const MAX_SPANS: u64 = 1 << 20;

/// Memory of the spans in a queue: 64 MiB.
const MAX_BYTES: usize = 64 << 20;

/// Limits that can be set for the memory of a queue: 1 MiB to 1 TiB.
pub(crate) const QUEUE_BYTES: RangeInclusive<usize> = 1 << 20..=(1 << 40) - 1;

/// Smallest delay. Zero would keep the export thread busy.
pub(crate) const MIN_DELAY: Duration = Duration::from_millis(1);

const EXPORT_TIMEOUT: Duration = Duration::from_secs(30);

/// How spans wait for export.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchConfig {
    pub(crate) queue: usize,
    pub(crate) size: usize,
    /// Memory of all spans in the queue.
    pub(crate) max_bytes: usize,
    pub(crate) delay: Option<Duration>,
    /// Of one export with all its attempts, where the exporter's own timeout is not shorter.
    #[cfg_attr(
        not(feature = "otlp"),
        allow(dead_code, reason = "only OTLP exports may take long")
    )]
    pub(crate) export_timeout: Duration,
    /// Time without a loss after which a loss has ended.
    pub(crate) quiet_period: Duration,
}

#[cfg(test)]
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

impl Env {
    pub(super) fn batch(&self) -> Result<BatchConfig, TelemetryError> {
        const SIZE: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
        let queue = self.span_count("OTEL_BSP_MAX_QUEUE_SIZE")?.unwrap_or(2048);
        let size = self.span_count(SIZE)?;
        if let Some(size) = size.filter(|size| *size > queue) {
            let expected = format!("at most OTEL_BSP_MAX_QUEUE_SIZE, which is {queue}");
            return Err(TelemetryError::setting(SIZE, size.to_string(), expected));
        }
        let timeout = self.milliseconds(["OTEL_BSP_EXPORT_TIMEOUT"])?;
        Ok(BatchConfig {
            queue,
            size: size.unwrap_or(512).min(queue),
            max_bytes: MAX_BYTES,
            delay: self.delay()?,
            export_timeout: timeout.unwrap_or(EXPORT_TIMEOUT),
            quiet_period: QUIET_PERIOD,
        })
    }

    /// Zero is valid: OpenTelemetry environment variable specification, "Duration".
    fn delay(&self) -> Result<Option<Duration>, TelemetryError> {
        const DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
        let Some(value) = self.text(DELAY)? else { return Ok(None) };
        let delay = value.trim().parse().map(Duration::from_millis);
        let delay = delay.map_err(|_| {
            TelemetryError::setting(DELAY, value, "a whole number of milliseconds, 0 or more")
        })?;
        Ok(Some(delay.max(MIN_DELAY)))
    }

    fn span_count(&self, name: &'static str) -> Result<Option<usize>, TelemetryError> {
        let count = self.text(name)?.map(|value| positive(name, &value, MAX_SPANS)).transpose()?;
        Ok(count.and_then(|count| usize::try_from(count).ok()))
    }
}
