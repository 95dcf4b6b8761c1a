use std::{
    future::{pending, ready},
    time::UNIX_EPOCH,
};

use tokio::time::sleep;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(10);

fn temporary(wait: Option<Duration>) -> ExportError {
    ExportError::Retryable { reason: "busy".to_owned(), wait }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn attempts_go_on_with_growing_delays_while_there_is_time() {
    let started = Instant::now();
    let mut starts = Vec::new();
    let (retry, closing) = <(Retry, ShutdownSignal)>::default();
    let result = retry.until_delivered(TIMEOUT, &closing, || {
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
    let (retry, closing) = <(Retry, ShutdownSignal)>::default();
    let result = retry.until_delivered(TIMEOUT, &closing, || ready(answers.pop().unwrap()));
    assert_eq!(result.await, Ok(()));
    assert_eq!(started.elapsed().as_secs(), 7);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_collector_that_asks_for_no_wait_is_not_stormed() {
    let mut attempts = 0;
    let (retry, closing) = <(Retry, ShutdownSignal)>::default();
    let result = retry.until_delivered(TIMEOUT, &closing, || {
        attempts += 1;
        ready(Err::<(), _>(temporary(Some(Duration::ZERO))))
    });
    assert_eq!(result.await, Err("busy".to_owned()));
    assert!((50..=100).contains(&attempts), "{attempts}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_delay_behind_the_deadline_fails_at_once() {
    let started = Instant::now();
    let (retry, closing) = <(Retry, ShutdownSignal)>::default();
    let result = retry
        .until_delivered(TIMEOUT, &closing, || ready(Err::<(), _>(temporary(Some(Duration::MAX)))));
    assert_eq!(result.await, Err("busy".to_owned()));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_never_answered_is_given_up_at_the_deadline_with_what_was_said_before() {
    let started = Instant::now();
    let mut answers = vec![temporary(None)];
    let (retry, closing) = <(Retry, ShutdownSignal)>::default();
    let result = retry.until_delivered(TIMEOUT, &closing, || {
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
    let (retry, closing) = <(Retry, ShutdownSignal)>::default();
    let started = Instant::now();
    let mut attempts = 0;
    let delivering = retry.until_delivered(TIMEOUT, &closing, || {
        attempts += 1;
        ready(Err::<(), _>(temporary(Some(Duration::from_secs(9)))))
    });
    let shutdown = async {
        sleep(Duration::from_secs(1)).await;
        closing.trigger();
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

/// Whether a request is made by an export that would succeed.
async fn is_tried(retry: &Retry, timeout: Duration) -> Result<(), String> {
    retry.until_delivered(timeout, &ShutdownSignal::default(), || ready(Ok(()))).await
}

async fn fail(retry: &Retry, failure: fn() -> ExportError) {
    let attempt = || ready(Err::<(), _>(failure()));
    retry.until_delivered(TIMEOUT, &ShutdownSignal::default(), attempt).await.unwrap_err();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_time_a_collector_asks_for_holds_for_the_exports_behind_it() {
    let retry = Retry::default();
    fail(&retry, || temporary(Some(Duration::from_secs(60)))).await;
    let started = Instant::now();
    let unsent = "busy, so nothing is sent for 60.0s".to_owned();
    assert_eq!(is_tried(&retry, TIMEOUT).await, Err(unsent));
    assert_eq!(started.elapsed(), Duration::ZERO);

    sleep(Duration::from_secs(55)).await;
    assert_eq!(is_tried(&retry, TIMEOUT).await, Ok(()));
    assert_eq!(started.elapsed().as_secs(), 60);
    assert_eq!(is_tried(&retry, TIMEOUT).await, Ok(()));
    assert_eq!(started.elapsed().as_secs(), 60);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn exports_that_fail_for_good_come_ever_slower() {
    let (retry, started) = (Retry::default(), Instant::now());
    for _ in 0..12 {
        fail(&retry, || ExportError::Permanent("forbidden".to_owned())).await;
    }
    assert!((15..40).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_shutdown_tries_what_had_to_wait() {
    let (retry, closing) = <(Retry, ShutdownSignal)>::default();
    fail(&retry, || temporary(Some(Duration::from_secs(60)))).await;
    closing.trigger();
    let mut attempts = 0;
    let delivering = retry.until_delivered(TIMEOUT, &closing, || {
        attempts += 1;
        ready(Err::<(), _>(temporary(None)))
    });
    assert_eq!(delivering.await, Err("busy".to_owned()));
    assert_eq!(attempts, 1);
}
