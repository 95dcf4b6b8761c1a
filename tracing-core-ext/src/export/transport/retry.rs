use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use http::HeaderValue;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::export::delivery::ShutdownSignal;

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// Longest pause that a backend can require.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Longest timeout, so that no deadline overflows.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(86_400);

/// Failure of one attempt.
#[derive(Debug, PartialEq)]
pub(crate) enum ExportError {
    /// The same request would fail again.
    Permanent(String),
    /// The backend accepts only smaller requests.
    TooLarge(String),
    /// A later attempt may succeed, after the delay that the backend requires.
    Retryable { reason: String, wait: Option<Duration> },
}

/// Failure of an export after its last attempt.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    /// Whether smaller requests may succeed.
    pub(crate) is_too_large: bool,
}

/// Time of the next attempt, kept from one export to the next.
#[derive(Debug)]
pub(super) struct Retry {
    backoff: Mutex<Option<Backoff>>,
    /// Whether an export waits for the end of a pause that the backend requires, regardless of its
    /// length.
    waits_for_pauses: bool,
}

/// Delay before the next attempt.
#[derive(Clone, Debug)]
struct Backoff {
    until: Instant,
    /// Delay after the next failure, unless the backend requires another one.
    next: Duration,
    reason: String,
    /// Whether the backend requires this delay.
    is_required: bool,
}

impl Failure {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_too_large: false }
    }

    pub(crate) fn too_large(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_too_large: true }
    }
}

impl Retry {
    pub(super) fn new(waits_for_pauses: bool) -> Self {
        Self { backoff: Mutex::default(), waits_for_pauses }
    }

    /// Makes attempts until one succeeds, one fails permanently, or no time is left. Pauses that
    /// the backend requires do not count.
    pub(super) async fn until_delivered<T, A>(
        &self,
        timeout: Duration,
        closing: &ShutdownSignal,
        mut attempt: impl FnMut() -> A,
    ) -> Result<T, Failure>
    where
        A: Future<Output = Result<T, ExportError>>,
    {
        let timeout = timeout.min(LONGEST_TIMEOUT);
        let mut deadline = Instant::now() + timeout;
        let mut failed = None;
        loop {
            match self.wait(deadline, closing).await {
                Ok(Waited::WithinTimeout) => {}
                Ok(Waited::ForBackend) => deadline = Instant::now() + timeout,
                Err(backoff) => {
                    return Err(Failure::new(failed.unwrap_or_else(|| backoff.in_words())));
                }
            }
            let is_last = closing.is_triggered();
            let failure = match timeout_at(deadline, attempt()).await {
                Ok(Ok(delivered)) => {
                    *self.backoff() = None;
                    return Ok(delivered);
                }
                Ok(Err(ExportError::TooLarge(reason))) => {
                    *self.backoff() = None;
                    return Err(Failure::too_large(reason));
                }
                Ok(Err(failure)) => failure,
                Err(_) => ExportError::Permanent(unanswered(failed.take(), timeout)),
            };
            let is_over = is_last || matches!(failure, ExportError::Permanent(_));
            let reason = self.start_backoff(failure);
            if is_over {
                return Err(Failure::new(reason));
            }
            failed = Some(reason);
        }
    }

    /// Waits until the next attempt, or until the service shuts down. Fails if the next attempt is
    /// after the deadline.
    async fn wait(&self, deadline: Instant, closing: &ShutdownSignal) -> Result<Waited, Backoff> {
        let Some(backoff) = self.backoff().clone() else { return Ok(Waited::WithinTimeout) };
        if closing.is_triggered() {
            return Ok(Waited::WithinTimeout);
        }
        let is_pause = self.waits_for_pauses && backoff.is_required;
        if !is_pause && backoff.until >= deadline {
            return Err(backoff);
        }
        tokio::select! {
            () = sleep_until(backoff.until) => {}
            () = closing.triggered() => {}
        }
        Ok(if is_pause { Waited::ForBackend } else { Waited::WithinTimeout })
    }

    /// Delays the next attempt. A permanent failure also delays the next export, because it may
    /// fail for the same reason.
    fn start_backoff(&self, failure: ExportError) -> String {
        let mut backoff = self.backoff();
        let delay = backoff.as_ref().map_or(FIRST_DELAY, |backoff| backoff.next);
        let (reason, wait) = match failure {
            ExportError::Permanent(reason) | ExportError::TooLarge(reason) => (reason, None),
            ExportError::Retryable { reason, wait } => (reason, wait),
        };
        let required = wait.filter(|wait| !wait.is_zero());
        *backoff = Some(Backoff {
            until: Instant::now() + required.map_or_else(|| jittered(delay), pause),
            next: (delay * 2).min(LONGEST_DELAY),
            reason: reason.clone(),
            is_required: required.is_some(),
        });
        reason
    }

    fn backoff(&self) -> MutexGuard<'_, Option<Backoff>> {
        self.backoff.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kind of a delay that has ended.
enum Waited {
    WithinTimeout,
    ForBackend,
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

/// Returns between half of the delay and all of it, so that services do not retry at the same time.
fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(0.5 + random() / 2.0)
}

/// Returns the pause for a required delay: up to a quarter longer, because all services receive the same one.
fn pause(required: Duration) -> Duration {
    required.clamp(FIRST_DELAY, LONGEST_PAUSE).mul_f64(1.0 + random() / 4.0)
}

/// Returns a number from 0 to 1.
fn random() -> f64 {
    (RandomState::new().build_hasher().finish() % 1024) as f64 / 1024.0
}

/// Parses `Retry-After`: seconds, or a date. RFC 9110, section 10.2.3. `now` is the time by the
/// clock of the backend.
pub(crate) fn retry_after(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let value = value.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests;
