use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use crate::base::{deferred_log, self_log::SelfLog};

/// By then every service has made its middleware.
const GRACE_PERIOD: Duration = Duration::from_secs(60);

/// Waits, on a thread of its own, until a middleware should be there. Dropping it ends the wait.
#[derive(Debug)]
pub(crate) struct MiddlewareWatchdog {
    _until: Sender<()>,
}

impl MiddlewareWatchdog {
    pub(crate) fn start(log: SelfLog) -> Self {
        let (until, over) = channel();
        let watch = move || {
            if !timed_out(&over, GRACE_PERIOD) {
                return;
            }
            deferred_log::flush();
            if !crate::exchange::installed::is_middleware_built() {
                log.log(warn_no_middleware);
            }
        };
        let _ = thread::Builder::new().name("telemetry-watchdog".to_owned()).spawn(watch);
        Self { _until: until }
    }
}

fn timed_out(over: &Receiver<()>, grace_period: Duration) -> bool {
    over.recv_timeout(grace_period) == Err(RecvTimeoutError::Timeout)
}

fn warn_no_middleware() {
    tracing::info!(
        "no TracingLayer, no Tracing middleware and no client was made within {} s: requests have no spans of their own",
        GRACE_PERIOD.as_secs()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_runs_out_unless_it_is_dropped_before() {
        let (until, over) = channel();
        assert!(timed_out(&over, Duration::ZERO));
        drop(until);
        assert!(!timed_out(&over, GRACE_PERIOD));
    }
}
