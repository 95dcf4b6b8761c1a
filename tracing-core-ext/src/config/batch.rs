use std::time::Duration;

use super::env::{Env, positive};
use crate::base::error::TelemetryError;

/// What the queue may hold at most: the SDK makes room for all of it at once.
const MAX_SPANS: u64 = 1 << 20;

const EXPORT_TIMEOUT: Duration = Duration::from_secs(30);

/// How spans wait for export.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchConfig {
    pub(crate) queue: usize,
    pub(crate) size: usize,
    pub(crate) delay: Option<Duration>,
    /// Of one export with all its attempts, where the exporter's own timeout is not shorter.
    #[cfg_attr(
        not(feature = "otlp"),
        allow(dead_code, reason = "only OTLP exports may take long")
    )]
    pub(crate) export_timeout: Duration,
}

#[cfg(test)]
impl BatchConfig {
    pub(crate) const fn new(queue: usize, size: usize, delay: Option<Duration>) -> Self {
        Self { queue, size, delay, export_timeout: EXPORT_TIMEOUT }
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
            delay: self.milliseconds(["OTEL_BSP_SCHEDULE_DELAY"])?,
            export_timeout: timeout.unwrap_or(EXPORT_TIMEOUT),
        })
    }

    fn span_count(&self, name: &'static str) -> Result<Option<usize>, TelemetryError> {
        let count = self.text(name)?.map(|value| positive(name, &value, MAX_SPANS)).transpose()?;
        Ok(count.and_then(|count| usize::try_from(count).ok()))
    }
}
