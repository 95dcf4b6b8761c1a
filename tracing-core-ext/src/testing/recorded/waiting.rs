//! Waiting with a deadline.

use std::{
    fmt,
    panic::Location,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use super::store::{State, Store};

/// Waits for telemetry, as a future or by blocking the thread.
///
/// It panics with a list of what has arrived if the deadline passes. It is woken by the end of a span, in any runtime;
/// the deadline is real time, also if the runtime has paused its clock.
#[must_use = "nothing is awaited unless this is polled or `blocking` is called"]
pub struct Waiting<T> {
    store: Arc<Store>,
    deadline: Instant,
    at: &'static Location<'static>,
    ready: Ready<T>,
    late: Late,
    alarm: Option<Alarm>,
}

type Ready<T> = Box<dyn Fn(&State) -> Option<Result<T, String>> + Send>;
type Late = Box<dyn Fn(&State) -> String + Send>;

impl<T> Waiting<T> {
    /// `ready` returns the result as soon as there is one, or the reason why there will be none. `late` returns the
    /// message for the end of the time.
    #[track_caller]
    pub(crate) fn new(
        store: &Arc<Store>,
        timeout: Duration,
        ready: impl Fn(&State) -> Option<Result<T, String>> + Send + 'static,
        late: impl Fn(&State) -> String + Send + 'static,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            deadline: Instant::now() + timeout,
            at: Location::caller(),
            ready: Box::new(ready),
            late: Box::new(late),
            alarm: None,
        }
    }

    /// Blocks the thread instead, for tests without a runtime. In a runtime with one thread it would also block what is
    /// waited for.
    ///
    /// # Panics
    ///
    /// If the deadline passes.
    pub fn blocking(self) -> T {
        let mut state = self.store.lock();
        loop {
            match (self.ready)(&state) {
                Some(Ok(result)) => return result,
                Some(Err(message)) => {
                    drop(state);
                    self.fail(&message)
                }
                None => {}
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = (self.late)(&state);
                drop(state);
                self.fail(&message);
            }
            state = self.store.block_until_change(state, left);
        }
    }

    fn fail(&self, message: &str) -> ! {
        panic!("{}\nwaited at {}", message.trim_end(), self.at)
    }
}

impl<T> Future for Waiting<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let store = Arc::clone(&self.store);
        let mut state = store.lock();
        match (self.ready)(&state) {
            Some(Ok(result)) => return Poll::Ready(result),
            Some(Err(message)) => {
                drop(state);
                self.fail(&message)
            }
            None => {}
        }
        if Instant::now() >= self.deadline {
            let message = (self.late)(&state);
            drop(state);
            self.fail(&message);
        }
        Store::wake_at_change(&mut state, context.waker());
        drop(state);
        match &self.alarm {
            Some(alarm) => alarm.set_waker(context.waker()),
            None => self.alarm = Some(Alarm::at(self.deadline, context.waker().clone())),
        }
        Poll::Pending
    }
}

impl<T> fmt::Debug for Waiting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Thread that wakes a task at a deadline. No runtime is required, and a paused clock has no effect.
struct Alarm {
    shared: Arc<Mutex<AlarmState>>,
    thread: Thread,
}

struct AlarmState {
    waker: Waker,
    has_rung: bool,
    is_over: bool,
}

impl Alarm {
    fn at(deadline: Instant, waker: Waker) -> Self {
        let state = AlarmState { waker, has_rung: false, is_over: false };
        let shared = Arc::new(Mutex::new(state));
        let of_thread = Arc::clone(&shared);
        let ring = move || {
            while !lock(&of_thread).is_over {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    let mut state = lock(&of_thread);
                    state.has_rung = true;
                    return state.waker.wake_by_ref();
                }
                thread::park_timeout(left);
            }
        };
        let thread = thread::spawn(ring).thread().clone();
        Self { shared, thread }
    }

    fn set_waker(&self, waker: &Waker) {
        let mut state = lock(&self.shared);
        state.waker.clone_from(waker);
        if state.has_rung {
            waker.wake_by_ref();
        }
    }
}

fn lock(state: &Mutex<AlarmState>) -> MutexGuard<'_, AlarmState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Alarm {
    fn drop(&mut self) {
        lock(&self.shared).is_over = true;
        self.thread.unpark();
    }
}
