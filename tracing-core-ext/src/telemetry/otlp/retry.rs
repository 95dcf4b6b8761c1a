use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::{Duration, SystemTime},
};

use http::HeaderValue;
use tokio::time::{Instant, sleep, timeout_at};

use super::closing::Closing;

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// So that no sum overflows.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(86_400);

/// Why an attempt has failed.
#[derive(Debug, PartialEq)]
pub(super) enum Failure {
    /// The same request would fail again.
    Final(String),
    /// It may succeed later, after the time the collector asks for.
    Temporary { reason: String, wait: Option<Duration> },
}

/// Attempts until one succeeds, one fails for good, or there is no time for another.
pub(super) async fn until_delivered<T, A>(
    timeout: Duration,
    closing: &Closing,
    mut attempt: impl FnMut() -> A,
) -> Result<T, String>
where
    A: Future<Output = Result<T, Failure>>,
{
    let deadline = Instant::now() + timeout.min(LONGEST_TIMEOUT);
    let mut delay = FIRST_DELAY;
    let mut failed = None;
    loop {
        let is_last = closing.has_begun();
        let (reason, wait) = match timeout_at(deadline, attempt()).await {
            Ok(Ok(delivered)) => return Ok(delivered),
            Ok(Err(Failure::Final(reason))) => return Err(reason),
            Ok(Err(Failure::Temporary { reason, wait })) => (reason, wait),
            Err(_) => return Err(unanswered(failed, timeout)),
        };
        let wait = wait.map_or_else(|| jittered(delay), |wait| wait.max(FIRST_DELAY));
        if is_last || wait >= deadline.saturating_duration_since(Instant::now()) {
            return Err(reason);
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = closing.begun() => {}
        }
        delay = (delay * 2).min(LONGEST_DELAY);
        failed = Some(reason);
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
mod tests {
    use std::{
        future::{pending, ready},
        time::UNIX_EPOCH,
    };

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn temporary(wait: Option<Duration>) -> Failure {
        Failure::Temporary { reason: "busy".to_owned(), wait }
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn attempts_go_on_with_growing_delays_while_there_is_time() {
        let started = Instant::now();
        let mut starts = Vec::new();
        let closing = Closing::default();
        let result = until_delivered(TIMEOUT, &closing, || {
            starts.push(started.elapsed());
            ready(Err::<(), _>(temporary(None)))
        });
        assert_eq!(result.await, Err("busy".to_owned()));
        let delays: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mut most = FIRST_DELAY;
        for delay in &delays {
            assert!((most / 2..=most + Duration::from_millis(2)).contains(delay), "{delays:?}");
            most = (most * 2).min(LONGEST_DELAY);
        }
        assert!(delays.len() >= 6 && started.elapsed() < TIMEOUT, "{delays:?}");
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn the_time_a_collector_asks_for_is_obeyed() {
        let started = Instant::now();
        let mut answers = vec![Ok(()), Err(temporary(Some(Duration::from_secs(7))))];
        let closing = Closing::default();
        let result = until_delivered(TIMEOUT, &closing, || ready(answers.pop().unwrap()));
        assert_eq!(result.await, Ok(()));
        assert_eq!(started.elapsed().as_secs(), 7);
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_collector_that_asks_for_no_wait_is_not_stormed() {
        let mut attempts = 0;
        let closing = Closing::default();
        let result = until_delivered(TIMEOUT, &closing, || {
            attempts += 1;
            ready(Err::<(), _>(temporary(Some(Duration::ZERO))))
        });
        assert_eq!(result.await, Err("busy".to_owned()));
        assert!((50..=100).contains(&attempts), "{attempts}");
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_delay_behind_the_deadline_fails_at_once() {
        let started = Instant::now();
        let closing = Closing::default();
        let result = until_delivered(TIMEOUT, &closing, || {
            ready(Err::<(), _>(temporary(Some(Duration::MAX))))
        });
        assert_eq!(result.await, Err("busy".to_owned()));
        assert_eq!(started.elapsed(), Duration::ZERO);
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn what_is_never_answered_is_given_up_at_the_deadline_with_what_was_said_before() {
        let started = Instant::now();
        let mut answers = vec![temporary(None)];
        let closing = Closing::default();
        let result = until_delivered(TIMEOUT, &closing, || {
            let failure = answers.pop();
            async move {
                match failure {
                    Some(failure) => Err::<(), _>(failure),
                    None => pending().await,
                }
            }
        });
        assert_eq!(result.await, Err("busy, then no answer within 10s".to_owned()));
        assert_eq!(started.elapsed().as_secs(), 10);
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_shutdown_ends_the_wait_and_leaves_one_attempt() {
        let closing = Closing::default();
        let started = Instant::now();
        let mut attempts = 0;
        let delivering = until_delivered(TIMEOUT, &closing, || {
            attempts += 1;
            ready(Err::<(), _>(temporary(Some(Duration::from_secs(9)))))
        });
        let shutdown = async {
            sleep(Duration::from_secs(1)).await;
            closing.begin();
        };
        let (result, ()) = tokio::join!(delivering, shutdown);
        assert_eq!(result, Err("busy".to_owned()));
        assert_eq!((attempts, started.elapsed().as_secs()), (2, 1));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        let wait = |value| retry_after(&HeaderValue::from_static(value), now);
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sat, 05 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        for value in ["", "soon", "-1", "1.5"] {
            assert_eq!(wait(value), None, "{value}");
        }
    }
}
