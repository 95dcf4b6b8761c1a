//! The current trace, for code that runs elsewhere in the same process.

use std::{
    fmt,
    pin::Pin,
    task::{self, Poll},
    thread,
};

use opentelemetry::Context;
use pin_project::{pin_project, pinned_drop};
use tracing::{Dispatch, Span, dispatcher, subscriber::NoSubscriber};

/// The OpenTelemetry context, the `tracing` span and the subscriber that were current when [`current`] was called.
#[derive(Clone)]
pub struct Current {
    context: Context,
    span: Span,
    dispatch: Option<Dispatch>,
}

/// Returns what is current now.
pub fn current() -> Current {
    let dispatch = dispatcher::get_default(|dispatch| {
        (!dispatch.is::<NoSubscriber>()).then(|| dispatch.clone())
    });
    Current { context: Context::current(), span: Span::current(), dispatch }
}

impl Current {
    /// Runs `f` with it current, on any thread. It can be called several times, also at the same time.
    ///
    /// # Panics
    ///
    /// If `f` panics.
    pub fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let _default = self.dispatch.as_ref().map(dispatcher::set_default);
        let _entered = self.span.enter();
        // Attached after the span is entered, so that it overrides the context that a layer attaches.
        let _attached = self.context.clone().attach();
        f()
    }

    /// Returns the OpenTelemetry context.
    pub const fn context(&self) -> &Context {
        &self.context
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("span", &self.span).finish_non_exhaustive()
    }
}

/// Returns a closure that runs `f` with the current trace, on whatever thread it is called.
///
/// ```
/// use tracing_core_ext::carry;
///
/// let work = carry::in_current(|| carry::current_trace_id());
/// assert_eq!(std::thread::spawn(work).join().unwrap(), carry::current_trace_id());
/// ```
pub fn in_current<F, R>(f: F) -> impl FnOnce() -> R
where
    F: FnOnce() -> R,
{
    let current = current();
    move || current.scope(f)
}

/// Starts a thread with the current trace, as [`std::thread::spawn`] does without.
///
/// # Panics
///
/// If the operating system fails to create a thread.
pub fn spawn_thread<F, R>(f: F) -> thread::JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    thread::spawn(in_current(f))
}

/// Polls and drops `inner` with the current trace, in whatever task it runs.
///
/// ```
/// # use tracing_core_ext::carry;
/// # async fn send_mail() {}
/// # struct Set;
/// # impl Set { fn spawn<F>(&mut self, future: F) {} }
/// # let mut tasks = Set;
/// // A `JoinSet`, or another executor:
/// tasks.spawn(carry::future(send_mail()));
/// ```
pub fn future<F: Future>(inner: F) -> Carried<F> {
    Carried { inner: Some(inner), current: current() }
}

/// Future that is polled with the trace that was current when it was made, by [`future`].
#[pin_project(PinnedDrop)]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Carried<F> {
    #[pin]
    inner: Option<F>,
    current: Current,
}

impl<F: Future> Future for Carried<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        // Only the destructor takes the inner future.
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        this.current.scope(|| inner.poll(cx))
    }
}

#[pinned_drop]
impl<F> PinnedDrop for Carried<F> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.current.scope(|| this.inner.set(None));
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        baggage::BaggageExt,
        trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
    };

    use super::*;
    use crate::carry;

    fn in_a_trace<R>(f: impl FnOnce() -> R) -> R {
        let span =
            SpanContext::new(7.into(), 8.into(), TraceFlags::SAMPLED, true, TraceState::NONE);
        let _attached = Context::new().with_remote_span_context(span).attach();
        f()
    }

    #[test]
    fn a_thread_has_trace_span_and_subscriber_of_its_creator() {
        let dispatch = Dispatch::new(tracing_subscriber::registry());
        dispatcher::with_default(&dispatch, || {
            let span = tracing::info_span!("request");
            let ids = in_a_trace(|| {
                let _entered = span.enter();
                let baggage =
                    Context::current_with_baggage([opentelemetry::KeyValue::new("a", "b")]);
                let _attached = baggage.attach();
                carry::spawn_thread(|| {
                    let baggage = Context::current().baggage().get("a").cloned();
                    (carry::current_trace_id(), Span::current().id(), baggage)
                })
            });
            let (trace_id, id, baggage) = ids.join().unwrap();
            assert_eq!((trace_id, id), (Some(7.into()), span.id()));
            assert_eq!(baggage, Some("b".into()));
        });
    }

    #[test]
    fn a_future_is_polled_and_dropped_in_the_trace() {
        struct OnDrop<'a>(&'a mut Option<opentelemetry::TraceId>);
        impl Drop for OnDrop<'_> {
            fn drop(&mut self) {
                *self.0 = carry::current_trace_id();
            }
        }
        let mut dropped_in = None;
        let guard = OnDrop(&mut dropped_in);
        let mut future = Box::pin(in_a_trace(|| {
            carry::future(async move {
                let _guard = guard;
                assert_eq!(carry::current_trace_id(), Some(7.into()));
                std::future::pending::<()>().await;
            })
        }));
        let polled = future.as_mut().poll(&mut task::Context::from_waker(task::Waker::noop()));
        assert!(polled.is_pending() && carry::current_trace_id().is_none());
        drop(future);
        assert_eq!(dropped_in, Some(7.into()));
    }

    #[test]
    fn outside_of_any_trace_nothing_is_current() {
        let ids = carry::spawn_thread(|| (carry::current_trace_id(), carry::current_span_id()));
        assert_eq!(ids.join().unwrap(), (None, None));
        assert_eq!(carry::current_request_id(), None);
    }
}
