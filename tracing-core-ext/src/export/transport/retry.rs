use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use http::HeaderValue;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::export::shutdown::ShutdownSignal;

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// So that no sum overflows, and no nonsense silences a service for good.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// Why an attempt has failed.
#[derive(Debug, PartialEq)]
pub(crate) enum ExportError {
    /// The same request would fail again.
    Permanent(String),
    /// It may succeed later, after the time the collector asks for.
    Retryable { reason: String, wait: Option<Duration> },
}

/// When a collector may be asked again, kept from one export to the next.
#[derive(Debug, Default)]
pub(super) struct Retry(Mutex<Option<Backoff>>);

/// What the last attempt, which has failed, leaves to the next.
#[derive(Clone, Debug)]
struct Backoff {
    until: Instant,
    /// How long the next one will be, where the collector does not say.
    next: Duration,
    reason: String,
}

impl Retry {
    /// Attempts until one succeeds, one fails for good, or there is no time for another.
    pub(super) async fn until_delivered<T, A>(
        &self,
        timeout: Duration,
        closing: &ShutdownSignal,
        mut attempt: impl FnMut() -> A,
    ) -> Result<T, String>
    where
        A: Future<Output = Result<T, ExportError>>,
    {
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let mut failed = None;
        loop {
            if let Err(backoff) = self.wait(deadline, closing).await {
                return Err(failed.unwrap_or_else(|| backoff.in_words()));
            }
            let is_last = closing.is_triggered();
            let failure = match timeout_at(deadline, attempt()).await {
                Ok(Ok(delivered)) => {
                    *self.backoff() = None;
                    return Ok(delivered);
                }
                Ok(Err(failure)) => failure,
                Err(_) => ExportError::Permanent(unanswered(failed.take(), timeout)),
            };
            let is_over = is_last || matches!(failure, ExportError::Permanent(_));
            let reason = self.start_backoff(failure);
            if is_over {
                return Err(reason);
            }
            failed = Some(reason);
        }
    }

    /// Until the collector may be asked again, or the service shuts down. Fails where that is too late.
    async fn wait(&self, deadline: Instant, closing: &ShutdownSignal) -> Result<(), Backoff> {
        let Some(backoff) = self.backoff().clone() else { return Ok(()) };
        if closing.is_triggered() {
            return Ok(());
        }
        if backoff.until >= deadline {
            return Err(backoff);
        }
        tokio::select! {
            () = sleep_until(backoff.until) => {}
            () = closing.triggered() => {}
        }
        Ok(())
    }

    /// Also after what is final: the next export may be no better, and comes soon.
    fn start_backoff(&self, failure: ExportError) -> String {
        let mut backoff = self.backoff();
        let delay = backoff.as_ref().map_or(FIRST_DELAY, |backoff| backoff.next);
        let (reason, wait) = match failure {
            ExportError::Permanent(reason) => (reason, None),
            ExportError::Retryable { reason, wait } => (reason, wait),
        };
        let wait = wait.map_or_else(|| jittered(delay), |wait| wait.max(FIRST_DELAY));
        *backoff = Some(Backoff {
            until: Instant::now() + wait.min(LONGEST_WAIT),
            next: (delay * 2).min(LONGEST_DELAY),
            reason: reason.clone(),
        });
        reason
    }

    fn backoff(&self) -> MutexGuard<'_, Option<Backoff>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backoff {
    fn in_words(&self) -> String {
        let left = self.until.saturating_duration_since(Instant::now());
        format!("{}, so nothing is sent for {left:.1?}", self.reason)
    }
}

fn unanswered(failed: Option<String>, timeout: Duration) -> String {
    match failed {
        Some(reason) => format!("{reason}, then no answer within {timeout:?}"),
        None => format!("no answer within {timeout:?}"),
    }
}

/// Between half of it and all of it, so that services do not come back all at once.
fn jittered(delay: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1024;
    delay.mul_f64(0.5 + random as f64 / 2048.0)
}

/// `Retry-After`: seconds, or a date. RFC 9110, section 10.2.3.
pub(super) fn retry_after(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let value = value.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests;
