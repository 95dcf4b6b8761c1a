//! Tasks of tokio with the current trace.

use tokio::task::{self, JoinHandle};

use super::{future, in_current};

/// Starts a task with the current trace, as [`tokio::spawn`] does without.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use tracing_core_ext::carry;
///
/// let task = carry::spawn(async { carry::current_trace_id() });
/// assert_eq!(task.await.unwrap(), carry::current_trace_id());
/// # }
/// ```
///
/// # Panics
///
/// Outside of a runtime of tokio.
pub fn spawn<F>(inner: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future(inner))
}

/// Starts a task on the current thread with the current trace, as [`tokio::task::spawn_local`] and `actix_web::rt::spawn`
/// do without.
///
/// # Panics
///
/// Outside of a `LocalSet`, which every worker of actix-web has.
pub fn spawn_local<F>(inner: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    task::spawn_local(future(inner))
}

/// Runs blocking code with the current trace, as [`tokio::task::spawn_blocking`] does without.
///
/// # Panics
///
/// Outside of a runtime of tokio.
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    task::spawn_blocking(in_current(f))
}
