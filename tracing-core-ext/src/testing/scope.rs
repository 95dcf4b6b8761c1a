use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project::pin_project;

use crate::exchange::instrumentation::test_scope::{self, TestScope};

/// Handle to a test by which other threads and tasks belong to it. It is cheap to clone.
///
/// It is required for what is built or runs outside of the test's thread and of any span of the test: a thread, a task on
/// another thread that makes its own middleware or starts a new trace, and one of several [`Traces`](super::Traces) of a
/// test.
///
/// ```
/// use tracing_core_ext::testing::{Traces, trace};
///
/// let traces = Traces::new();
/// let scope = traces.scope();
/// let thread = std::thread::spawn(move || scope.run(|| tracing::info_span!("job").in_scope(|| {})));
/// thread.join().unwrap();
/// traces.only().blocking().is(trace! { "job" });
/// ```
#[derive(Clone)]
pub struct Scope(TestScope);

impl Scope {
    pub(super) const fn new(scope: TestScope) -> Self {
        Self(scope)
    }

    /// Runs `f` as part of the test.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = test_scope::enter(Some(&self.0));
        f()
    }

    /// Returns a future that runs as part of the test, on any thread.
    ///
    /// ```
    /// use tracing_core_ext::testing::{Traces, trace};
    ///
    /// # #[tokio::main]
    /// # async fn main() {
    /// let traces = Traces::new();
    /// tokio::spawn(traces.scope().future(async {
    ///     tracing::info_span!("job").in_scope(|| {});
    /// }));
    /// traces.only().await.is(trace! { "job" });
    /// # }
    /// ```
    pub fn future<F: Future>(&self, future: F) -> InScope<F> {
        InScope { future, scope: self.clone() }
    }

    /// Advances the clock of a [deterministic](super::TracesBuilder::deterministic) test.
    ///
    /// # Panics
    ///
    /// If the test has no such clock.
    #[track_caller]
    pub fn advance(&self, by: Duration) {
        let clock = self.0.providers.clock.as_ref();
        clock
            .expect("only Traces::builder().deterministic() has a clock that advances")
            .advance(by);
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Future that runs as part of a test, made by [`Scope::future`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct InScope<F> {
    #[pin]
    future: F,
    scope: Scope,
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let future = this.future;
        this.scope.run(|| future.poll(context))
    }
}
