use std::{
    cell::Cell,
    fmt::{self, Display},
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime},
};

use tracing::field::display;

use crate::base::{error::TelemetryError, self_log::SelfLog};

/// Largest time limit of a change.
const MAX_LIMIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A setting that can be changed while the service runs. A change may have a time limit, after which the setting has its
/// first value again.
pub(super) struct Setting<T>(Arc<Inner<T>>);

struct Inner<T> {
    name: &'static str,
    initial: T,
    apply: Box<dyn Fn(&T) + Send + Sync>,
    log: SelfLog,
    state: Mutex<State<T>>,
    is_changed: Condvar,
}

struct State<T> {
    current: T,
    until: Option<Deadline>,
    /// Number of changes. A time limit applies to one change.
    changes: u64,
    is_closed: bool,
}

/// End of a change.
#[derive(Clone, Copy)]
struct Deadline {
    instant: Instant,
    time: SystemTime,
}

/// Value of a setting, and the time at which it reverts to the first value.
#[derive(Clone, Debug)]
pub(crate) struct Current<T> {
    pub(crate) value: T,
    pub(crate) until: Option<SystemTime>,
}

/// Caller of a change, for its log line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a>(pub(super) &'a str);

impl<T: Clone + Display + Send + Sync + 'static> Setting<T> {
    /// `apply` puts a value into effect.
    pub(super) fn new(
        name: &'static str,
        initial: T,
        log: SelfLog,
        apply: impl Fn(&T) + Send + Sync + 'static,
    ) -> Self {
        let state = State { current: initial.clone(), until: None, changes: 0, is_closed: false };
        Self(Arc::new(Inner {
            name,
            initial,
            apply: Box::new(apply),
            log,
            state: Mutex::new(state),
            is_changed: Condvar::new(),
        }))
    }

    pub(super) fn current(&self) -> Current<T> {
        let state = self.0.state();
        Current { value: state.current.clone(), until: state.until.map(|deadline| deadline.time) }
    }

    /// Changes the value, until `limit` has passed if there is one.
    ///
    /// # Errors
    ///
    /// If the limit is zero or over 30 days, if telemetry is shut down, or if no thread can be started that ends the
    /// change. Nothing has changed then.
    pub(super) fn set(
        &self,
        value: T,
        limit: Option<Duration>,
        source: Source<'_>,
    ) -> Result<(), TelemetryError> {
        let deadline = limit.map(Deadline::after).transpose()?;
        let inner = &self.0;
        inner.check_open(&value)?;
        let is_logged = inner.log_change(&value, limit, source);
        let mut state = inner.state();
        let change = state.changes + 1;
        if let Some(deadline) = deadline {
            let inner = Arc::clone(inner);
            spawn(move || inner.revert_at(deadline.instant, change))
                .map_err(TelemetryError::exporter)?;
        }
        inner.change(&mut state, value.clone(), deadline);
        drop(state);
        if !is_logged {
            inner.log_change(&value, limit, source);
        }
        Ok(())
    }

    /// Sets the first value.
    pub(super) fn reset(&self, source: Source<'_>) -> Result<(), TelemetryError> {
        self.set(self.0.initial.clone(), None, source)
    }

    /// Ends all time limits. The setting does not change any more.
    pub(super) fn close(&self) {
        self.0.state().is_closed = true;
        self.0.is_changed.notify_all();
    }
}

impl<T: Clone + Display> Inner<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_open(&self, value: &T) -> Result<(), TelemetryError> {
        if !self.state().is_closed {
            return Ok(());
        }
        let expected = "a service whose telemetry is not shut down";
        Err(TelemetryError::setting(self.name, value.to_string(), expected))
    }

    fn change(&self, state: &mut State<T>, value: T, until: Option<Deadline>) {
        // A change of a filter updates caches of `tracing` by the subscriber of this thread.
        self.log.log(|| (self.apply)(&value));
        (state.current, state.until) = (value, until);
        state.changes += 1;
        self.is_changed.notify_all();
    }

    /// Waits until `deadline`, and sets the first value if there was no other change.
    fn revert_at(&self, deadline: Instant, change: u64) {
        let mut state = self.state();
        loop {
            if state.changes != change || state.is_closed {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.is_changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let source = Source("time_limit");
        drop(state);
        let is_logged = self.log_change(&self.initial, None, source);
        let mut state = self.state();
        if state.changes != change || state.is_closed {
            return;
        }
        self.change(&mut state, self.initial.clone(), None);
        drop(state);
        if !is_logged {
            self.log_change(&self.initial, None, source);
        }
    }

    /// Logs a change. Returns whether a layer has written the line, because the change may enable or disable it.
    fn log_change(&self, value: &T, limit: Option<Duration>, source: Source<'_>) -> bool {
        let is_written = Cell::new(false);
        // `tracing::enabled!` is not suitable: it leaves the state of filters behind, so the next event of the thread is
        // lost.
        let source = display(Noted { text: source.0, is_written: &is_written });
        self.log.log(|| {
            tracing::warn!(
                setting = self.name,
                value = value.to_string(),
                seconds = limit.map(|limit| limit.as_secs_f64()),
                source,
                "a setting is changed at run time"
            );
        });
        is_written.get()
    }
}

/// Text that notes that it was written.
struct Noted<'a> {
    text: &'a str,
    is_written: &'a Cell<bool>,
}

impl fmt::Display for Noted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.is_written.set(true);
        f.write_str(self.text)
    }
}

impl Deadline {
    fn after(limit: Duration) -> Result<Self, TelemetryError> {
        if limit.is_zero() || limit > MAX_LIMIT {
            let expected = "a time limit over zero and up to 30 days";
            return Err(TelemetryError::setting("time limit", format!("{limit:?}"), expected));
        }
        Ok(Self { instant: Instant::now() + limit, time: SystemTime::now() + limit })
    }
}

fn spawn(run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("telemetry-control".to_owned()).spawn(run).map(drop)
}

impl<T> Clone for Setting<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Clone + Display> fmt::Debug for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.0.state().current.to_string();
        f.debug_struct("Setting").field(self.0.name, &current).finish_non_exhaustive()
    }
}
