use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use http::HeaderValue;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::export::shutdown::Closing;

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// So that no sum overflows, and no nonsense silences a service for good.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// Why an attempt has failed.
#[derive(Debug, PartialEq)]
pub(crate) enum Failure {
    /// The same request would fail again.
    Final(String),
    /// It may succeed later, after the time the collector asks for.
    Temporary { reason: String, wait: Option<Duration> },
}

/// When a collector may be asked again, kept from one export to the next.
#[derive(Debug, Default)]
pub(super) struct Retry(Mutex<Option<Pause>>);

/// What the last attempt, which has failed, leaves to the next.
#[derive(Clone, Debug)]
struct Pause {
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
        closing: &Closing,
        mut attempt: impl FnMut() -> A,
    ) -> Result<T, String>
    where
        A: Future<Output = Result<T, Failure>>,
    {
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let mut failed = None;
        loop {
            if let Err(pause) = self.wait(deadline, closing).await {
                return Err(failed.unwrap_or_else(|| pause.in_words()));
            }
            let is_last = closing.has_begun();
            let failure = match timeout_at(deadline, attempt()).await {
                Ok(Ok(delivered)) => {
                    *self.pause() = None;
                    return Ok(delivered);
                }
                Ok(Err(failure)) => failure,
                Err(_) => Failure::Final(unanswered(failed.take(), timeout)),
            };
            let is_over = is_last || matches!(failure, Failure::Final(_));
            let reason = self.begin_pause(failure);
            if is_over {
                return Err(reason);
            }
            failed = Some(reason);
        }
    }

    /// Until the collector may be asked again, or the service shuts down. Fails where that is too late.
    async fn wait(&self, deadline: Instant, closing: &Closing) -> Result<(), Pause> {
        let Some(pause) = self.pause().clone() else { return Ok(()) };
        if closing.has_begun() {
            return Ok(());
        }
        if pause.until >= deadline {
            return Err(pause);
        }
        tokio::select! {
            () = sleep_until(pause.until) => {}
            () = closing.begun() => {}
        }
        Ok(())
    }

    /// Also after what is final: the next export may be no better, and comes soon.
    fn begin_pause(&self, failure: Failure) -> String {
        let mut pause = self.pause();
        let delay = pause.as_ref().map_or(FIRST_DELAY, |pause| pause.next);
        let (reason, wait) = match failure {
            Failure::Final(reason) => (reason, None),
            Failure::Temporary { reason, wait } => (reason, wait),
        };
        let wait = wait.map_or_else(|| jittered(delay), |wait| wait.max(FIRST_DELAY));
        *pause = Some(Pause {
            until: Instant::now() + wait.min(LONGEST_WAIT),
            next: (delay * 2).min(LONGEST_DELAY),
            reason: reason.clone(),
        });
        reason
    }

    fn pause(&self) -> MutexGuard<'_, Option<Pause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pause {
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
