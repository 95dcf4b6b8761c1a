use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use crate::{
    base::{deferred_log, self_log::SelfLog},
    exchange::instrumentation::installed,
};

/// Time after which a service should have built its middleware.
const GRACE_PERIOD: Duration = Duration::from_secs(60);

/// Waits, on its own thread, until a middleware should be built. Dropping it ends the wait.
#[derive(Debug)]
pub(crate) struct MiddlewareWatchdog {
    _until: Sender<()>,
}

impl MiddlewareWatchdog {
    pub(crate) fn start(log: SelfLog) -> Self {
        let (until, over) = channel();
        let watch = move || watch(&over, GRACE_PERIOD, &log, installed::is_middleware_built);
        let _ = thread::Builder::new().name("telemetry-watchdog".to_owned()).spawn(watch);
        Self { _until: until }
    }
}

fn watch(
    over: &Receiver<()>,
    grace_period: Duration,
    log: &SelfLog,
    is_middleware_built: impl FnOnce() -> bool,
) {
    if !timed_out(over, grace_period) {
        return;
    }
    deferred_log::flush();
    if !is_middleware_built() {
        log.log(warn_no_middleware);
    }
}

fn timed_out(over: &Receiver<()>, grace_period: Duration) -> bool {
    over.recv_timeout(grace_period) == Err(RecvTimeoutError::Timeout)
}

fn warn_no_middleware() {
    tracing::info!(
        "no TracingLayer, no Tracing middleware and no client was built within {} s: requests have no spans",
        GRACE_PERIOD.as_secs()
    );
}

#[cfg(test)]
mod tests {
    use tracing::Dispatch;
    use tracing_subscriber::{
        fmt::{self, writer::BoxMakeWriter},
        layer::SubscriberExt,
    };

    use super::*;
    use crate::telemetry::log_format::tests::CapturedLines;

    #[test]
    fn a_watchdog_times_out_unless_it_is_dropped_before() {
        let (until, over) = channel();
        assert!(timed_out(&over, Duration::ZERO));
        drop(until);
        assert!(!timed_out(&over, GRACE_PERIOD));
    }

    #[test]
    fn a_service_without_a_middleware_gets_one_line() {
        for (built, dropped, expected) in [(false, false, 1), (true, false, 0), (false, true, 0)] {
            let lines = CapturedLines::default();
            let layer = fmt::layer().with_writer(BoxMakeWriter::new(lines.clone()));
            let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
            let log = SelfLog::default();
            log.set(&dispatch);
            let (until, over) = channel();
            let until = (!dropped).then_some(until);
            watch(&over, Duration::ZERO, &log, || built);
            let lines = lines.all();
            let found = lines.iter().filter(|line| line.contains("no client was built")).count();
            assert_eq!(found, expected, "{lines:?}");
            drop(until);
        }
    }
}
