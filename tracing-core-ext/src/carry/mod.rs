//! The trace of a request beyond its task: other tasks and threads, queues and jobs.
//!
//! A trace follows the code of one task by itself. Code that continues elsewhere has to take it along:
//!
//! | code continues | with |
//! | --- | --- |
//! | in a task of tokio | `carry::spawn` for [`tokio::spawn`](https://docs.rs/tokio), `carry::spawn_local`, `carry::spawn_blocking`, or [`future`] for any executor |
//! | in a thread | [`spawn_thread`] for [`std::thread::spawn`] |
//! | in a thread of rayon, or of any other pool | [`in_current`] around the closure |
//! | in closures that run several times, such as those of `par_iter` | [`Current::scope`] |
//! | on the thread pool of actix-web | `tracing_actix_middleware::block` for `web::block` |
//! | in another process, or later | a [`Carrier`] in the message, and the spans of [`Messaging`] |
//!
//! `spawn`, `spawn_local` and `spawn_blocking` require the feature `telemetry`.
//!
//! All of them carry the OpenTelemetry context with span and baggage, the current `tracing` span, and the subscriber, if
//! it is not the global one. Spans and log lines there belong to the request, and [`tracing::Span::current`] is the span of
//! the request. The server span still ends with its response, and does not wait for the code.
//!
//! ```
//! use tracing_core_ext::carry;
//!
//! # fn resize() {}
//! let resized = carry::spawn_thread(resize);
//! # resized.join().unwrap();
//! # struct Pool;
//! # impl Pool { fn spawn(&self, f: impl FnOnce() + Send + 'static) { f() } }
//! # let pool = Pool;
//!
//! // rayon's `pool.spawn(..)`, `scope.spawn(..)` and `rayon::join(.., ..)`:
//! pool.spawn(carry::in_current(resize));
//!
//! // Closures that are called several times:
//! let current = carry::current();
//! let sizes: Vec<usize> = ["a", "bc"].iter().map(|it| current.scope(|| it.len())).collect();
//! # assert_eq!(sizes, [1, 2]);
//! ```

mod carrier;
mod current;
mod message_attributes;
mod message_span;
mod messaging;
#[cfg(feature = "telemetry")]
mod tasks;

use opentelemetry::{
    Context, SpanId, TraceId,
    trace::{SpanContext, TraceContextExt},
};

#[cfg(feature = "telemetry")]
pub use self::tasks::{spawn, spawn_blocking, spawn_local};
pub use self::{
    carrier::Carrier,
    current::{Carried, Current, current, future, in_current, spawn_thread},
    message_span::{MessageFuture, MessageSpan},
    messaging::{MessageBuilder, Messaging},
};
use crate::{bridge::request_attributes, http::RequestId};

/// Returns the ID of the current trace, such as for an error page. `None` outside of any trace.
///
/// ```
/// # use tracing_core_ext::carry;
/// let hint = match carry::current_trace_id() {
///     Some(id) => format!("mention {id} if you call us"),
///     None => String::new(),
/// };
/// # assert_eq!(hint, "");
/// ```
pub fn current_trace_id() -> Option<TraceId> {
    current_span(SpanContext::trace_id)
}

/// Returns the ID of the current span: that of the request, or of a child. `None` outside of any trace.
pub fn current_span_id() -> Option<SpanId> {
    current_span(SpanContext::span_id)
}

/// Returns the ID of the current request. `None` outside of any request, and without the option
/// [`request_id`](crate::exchange::Builder::request_id).
pub fn current_request_id() -> Option<RequestId> {
    Context::map_current(|context| request_attributes::of(context)?.request_id().cloned())
}

fn current_span<R>(read: impl FnOnce(&SpanContext) -> R) -> Option<R> {
    Context::map_current(|context| {
        let span = context.span();
        Some(span.span_context()).filter(|span| span.is_valid()).map(read)
    })
}
