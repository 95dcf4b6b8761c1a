use std::{
    future::{pending, ready},
    time::UNIX_EPOCH,
};

use tokio::time::sleep;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the retry of an exporter without a queue.
fn metrics() -> Retry {
    Retry::new(false)
}

/// Returns the retry of an exporter whose items wait in a queue.
fn spans() -> Retry {
    Retry::new(true)
}

fn temporary(wait: Option<Duration>) -> ExportError {
    ExportError::Retryable { reason: "busy".to_owned(), wait }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn attempts_continue_with_growing_delays_while_there_is_time() {
    let started = Instant::now();
    let mut starts = Vec::new();
    let (retry, closing) = (metrics(), ShutdownSignal::default());
    let result = retry.until_delivered(TIMEOUT, &closing, || {
        starts.push(started.elapsed());
        ready(Err::<(), _>(temporary(None)))
    });
    assert_eq!(result.await, Err(Failure::new("busy")));
    let delays: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut most = FIRST_DELAY;
    for delay in &delays {
        assert!((most / 2..=most + Duration::from_millis(2)).contains(delay), "{delays:?}");
        most = (most * 2).min(LONGEST_DELAY);
    }
    assert!(delays.len() >= 6 && started.elapsed() < TIMEOUT, "{delays:?}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn delays_of_services_that_fail_together_differ() {
    let mut delays = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        let mut answers = vec![Ok(()), Err(temporary(None))];
        let (retry, closing) = (spans(), ShutdownSignal::default());
        let result = retry.until_delivered(TIMEOUT, &closing, || ready(answers.pop().unwrap()));
        assert_eq!(result.await, Ok(()));
        delays.push(started.elapsed());
    }
    assert!(delays.iter().all(|delay| (50..=102).contains(&delay.as_millis())), "{delays:?}");
    assert!(delays.iter().any(|delay| delay.abs_diff(delays[0]).as_millis() > 5), "{delays:?}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_next_attempt_is_made_after_the_required_time_and_not_at_the_same_moment_by_all() {
    let mut pauses = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        let mut answers = vec![Ok(()), Err(temporary(Some(Duration::from_secs(6))))];
        let (retry, closing) = (spans(), ShutdownSignal::default());
        let result = retry.until_delivered(TIMEOUT, &closing, || ready(answers.pop().unwrap()));
        assert_eq!(result.await, Ok(()));
        pauses.push(started.elapsed());
    }
    let range = Duration::from_secs(6)..=Duration::from_millis(7_502);
    assert!(pauses.iter().all(|pause| range.contains(pause)), "{pauses:?}");
    assert!(pauses.iter().any(|pause| pause.abs_diff(pauses[0]) > Duration::from_millis(50)));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn required_pauses_are_no_part_of_the_timeout() {
    let started = Instant::now();
    let mut attempts = 0;
    let (retry, closing) = (spans(), ShutdownSignal::default());
    let result = retry.until_delivered(TIMEOUT, &closing, || {
        attempts += 1;
        ready(match attempts {
            5 => Ok(()),
            _ => Err(temporary(Some(Duration::from_secs(60)))),
        })
    });
    assert_eq!(result.await, Ok(()));
    assert!(started.elapsed() >= Duration::from_secs(240));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn after_a_pause_the_timeout_limits_attempts_as_before() {
    let started = Instant::now();
    let mut failures = vec![temporary(Some(Duration::from_secs(60)))];
    let (retry, closing) = (spans(), ShutdownSignal::default());
    let result = retry.until_delivered(TIMEOUT, &closing, || {
        ready(Err::<(), _>(failures.pop().unwrap_or_else(|| temporary(None))))
    });
    assert_eq!(result.await, Err(Failure::new("busy")));
    assert!((60..86).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn no_pause_is_longer_than_five_minutes() {
    let started = Instant::now();
    let mut answers = vec![Ok(()), Err(temporary(Some(Duration::MAX)))];
    let (retry, closing) = (spans(), ShutdownSignal::default());
    let result = retry.until_delivered(TIMEOUT, &closing, || ready(answers.pop().unwrap()));
    assert_eq!(result.await, Ok(()));
    let range = LONGEST_PAUSE..LONGEST_PAUSE.mul_f64(1.26);
    assert!(range.contains(&started.elapsed()), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_required_pause_of_zero_is_ignored() {
    for retry in [metrics(), spans()] {
        let (mut attempts, closing) = (0, ShutdownSignal::default());
        let result = retry.until_delivered(TIMEOUT, &closing, || {
            attempts += 1;
            ready(Err::<(), _>(temporary(Some(Duration::ZERO))))
        });
        assert_eq!(result.await, Err(Failure::new("busy")));
        assert!((6..=12).contains(&attempts), "{attempts}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_request_that_is_too_large_is_reported_at_once_and_delays_nothing() {
    let (retry, closing, started) = (spans(), ShutdownSignal::default(), Instant::now());
    for _ in 0..3 {
        let attempt = || ready(Err::<(), _>(ExportError::TooLarge("413".to_owned())));
        let failure = retry.until_delivered(TIMEOUT, &closing, attempt).await.unwrap_err();
        assert_eq!(failure, Failure { reason: "413".to_owned(), is_too_large: true });
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_delay_behind_the_deadline_fails_at_once() {
    let started = Instant::now();
    let (retry, closing) = (metrics(), ShutdownSignal::default());
    let result = retry
        .until_delivered(TIMEOUT, &closing, || ready(Err::<(), _>(temporary(Some(Duration::MAX)))));
    assert_eq!(result.await, Err(Failure::new("busy")));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_request_without_a_response_fails_at_the_deadline_with_the_error_before() {
    let started = Instant::now();
    let mut answers = vec![temporary(None)];
    let (retry, closing) = (metrics(), ShutdownSignal::default());
    let result = retry.until_delivered(TIMEOUT, &closing, || {
        let failure = answers.pop();
        async move {
            match failure {
                Some(failure) => Err::<(), _>(failure),
                None => pending().await,
            }
        }
    });
    assert_eq!(result.await, Err(Failure::new("busy, then no answer within 10s")));
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_shutdown_ends_the_wait_and_leaves_one_attempt() {
    for (retry, pause) in [(metrics(), 9), (spans(), 9), (spans(), 90)] {
        let (closing, started, mut attempts) = (ShutdownSignal::default(), Instant::now(), 0);
        let delivering = retry.until_delivered(TIMEOUT, &closing, || {
            attempts += 1;
            ready(Err::<(), _>(temporary(Some(Duration::from_secs(pause) * 4 / 5))))
        });
        let shutdown = async {
            sleep(Duration::from_secs(1)).await;
            closing.trigger();
        };
        let (result, ()) = tokio::join!(delivering, shutdown);
        assert_eq!(result, Err(Failure::new("busy")));
        assert_eq!((attempts, started.elapsed().as_secs()), (2, 1));
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
    let wait = |value| retry_after(&HeaderValue::from_static(value), now);
    assert_eq!(wait("7"), Some(Duration::from_secs(7)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
    assert_eq!(wait("Sat, 05 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
    assert_eq!(wait("99999999999999999999"), Some(Duration::from_secs(u64::MAX)));
    for value in ["", "soon", "-1", "+1", "1.5"] {
        assert_eq!(wait(value), None, "{value}");
    }
}

/// Returns the result of an export that would succeed if it made a request.
async fn is_tried(retry: &Retry, timeout: Duration) -> Result<(), Failure> {
    retry.until_delivered(timeout, &ShutdownSignal::default(), || ready(Ok(()))).await
}

async fn fail(retry: &Retry, failure: fn() -> ExportError) {
    let attempt = || ready(Err::<(), _>(failure()));
    retry.until_delivered(TIMEOUT, &ShutdownSignal::default(), attempt).await.unwrap_err();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_a_queue_the_exports_behind_a_long_pause_fail_at_once() {
    let retry = metrics();
    fail(&retry, || temporary(Some(Duration::from_secs(60)))).await;
    let started = Instant::now();
    let failure = is_tried(&retry, TIMEOUT).await.unwrap_err();
    assert!(failure.reason.starts_with("busy, so nothing is sent for "), "{failure:?}");
    assert_eq!(started.elapsed(), Duration::ZERO);

    sleep(Duration::from_secs(50)).await;
    assert_eq!(is_tried(&retry, Duration::from_secs(30)).await, Ok(()));
    assert!((60..76).contains(&started.elapsed().as_secs()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn with_a_queue_a_pause_holds_for_the_export_behind_it() {
    let (retry, closing) = (spans(), ShutdownSignal::default());
    let cancelled = retry.until_delivered(TIMEOUT, &closing, || {
        ready(Err::<(), _>(temporary(Some(Duration::from_secs(60)))))
    });
    tokio::time::timeout(Duration::from_secs(1), cancelled).await.unwrap_err();
    let started = Instant::now();
    assert_eq!(is_tried(&retry, TIMEOUT).await, Ok(()));
    assert!((59..75).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(is_tried(&retry, TIMEOUT).await, Ok(()));
    assert!(started.elapsed().as_secs() < 75, "the pause is over");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn exports_that_fail_permanently_become_less_frequent() {
    let (retry, started) = (metrics(), Instant::now());
    for _ in 0..12 {
        fail(&retry, || ExportError::Permanent("forbidden".to_owned())).await;
    }
    assert!((15..40).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_shutdown_makes_the_attempt_that_had_to_wait() {
    let (retry, closing) = (metrics(), ShutdownSignal::default());
    fail(&retry, || temporary(Some(Duration::from_secs(60)))).await;
    closing.trigger();
    let mut attempts = 0;
    let delivering = retry.until_delivered(TIMEOUT, &closing, || {
        attempts += 1;
        ready(Err::<(), _>(temporary(None)))
    });
    assert_eq!(delivering.await, Err(Failure::new("busy")));
    assert_eq!(attempts, 1);
}
