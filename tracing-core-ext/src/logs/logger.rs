use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{limits::LogLimits, record::LogRecord};

/// Receiver of log records.
pub(crate) trait LogProcessor: Send + Sync {
    fn on_emit(&self, record: LogRecord);
}

/// Passes log records to the processors of a service. Clones share them.
#[derive(Clone)]
pub(crate) struct Logger(Arc<State>);

struct State {
    processors: Vec<Box<dyn LogProcessor>>,
    limits: LogLimits,
    is_shut_down: AtomicBool,
}

impl Logger {
    pub(crate) fn new(processors: Vec<Box<dyn LogProcessor>>, limits: LogLimits) -> Self {
        Self(Arc::new(State { processors, limits, is_shut_down: AtomicBool::new(false) }))
    }

    pub(crate) fn limits(&self) -> LogLimits {
        self.0.limits
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.0.is_shut_down.load(Ordering::Relaxed)
    }

    /// Ignores later records.
    pub(crate) fn shut_down(&self) {
        self.0.is_shut_down.store(true, Ordering::Relaxed);
    }

    pub(crate) fn emit(&self, record: LogRecord) {
        let last = self.0.processors.split_last().filter(|_| !self.is_shut_down());
        let Some((last, others)) = last else { return };
        others.iter().for_each(|processor| processor.on_emit(record.clone()));
        last.on_emit(record);
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}
