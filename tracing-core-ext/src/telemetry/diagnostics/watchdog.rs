use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use crate::base::self_log::LogTarget;

/// By then every service has made its middleware.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits, on a thread of its own, until a middleware should be there. Dropping it ends the wait.
#[derive(Debug)]
pub(crate) struct Watch {
    _until: Sender<()>,
}

impl Watch {
    pub(crate) fn begin(log: LogTarget) -> Self {
        let (until, over) = channel();
        let watch = move || {
            if has_run_out(&over, PATIENCE)
                && !crate::exchange::instrumentation::is_middleware_built()
            {
                log.log(say);
            }
        };
        let _ = thread::Builder::new().name("telemetry-doctor".to_owned()).spawn(watch);
        Self { _until: until }
    }
}

fn has_run_out(over: &Receiver<()>, patience: Duration) -> bool {
    over.recv_timeout(patience) == Err(RecvTimeoutError::Timeout)
}

fn say() {
    tracing::info!(
        "no TracingLayer, no Tracing middleware and no client was made within {} s: requests have no spans of their own",
        PATIENCE.as_secs()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_runs_out_unless_it_is_dropped_before() {
        let (until, over) = channel();
        assert!(has_run_out(&over, Duration::ZERO));
        drop(until);
        assert!(!has_run_out(&over, PATIENCE));
    }
}
