use std::{
    any::Any,
    error::Error,
    fmt::{Debug, Display},
    mem,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
    time::Duration,
};

use opentelemetry::{Context, trace::TraceContextExt};

use super::{
    body::counter::BodyCounter,
    builder::extras::Extras,
    instrumentation::{Instrumentation, test_scope::EnteredTest},
    outcome::{
        ErrorType, Outcome,
        reason::{self, FailureReason},
    },
    spans::request_span::RequestSpan,
    state::{
        active::{ActiveExchange, MethodKind, Side, UNKNOWN},
        shared_state::SharedState,
        slot::Slot,
    },
};
use crate::{
    base::panic_message,
    bridge::tracing_span::{self, TracingSpan},
    http::{ProtocolVersion, ResponseHead},
    propagation::{Headers, HeadersMut},
    trace::{StartedSpan, Timer},
};

/// One request and its response, on the server's or on the client's side.
///
/// It owns the span and ends it exactly once. The [module](crate::exchange) documents when its methods are called.
#[derive(Debug)]
#[must_use = "dropping an exchange finishes it as cancelled"]
pub struct Exchange {
    slot: Slot,
}

impl Exchange {
    #[inline(always)]
    pub(super) fn server(
        started: StartedSpan,
        tracing_span: TracingSpan,
        timer: Timer,
        method: &str,
        shared: Option<SharedState>,
        instrumentation: Instrumentation,
    ) -> Self {
        let start = (timer, Side::Server, MethodKind::new(method));
        Self::activate(started, tracing_span, start, shared, instrumentation)
    }

    pub(super) fn client(
        started: StartedSpan,
        timer: Timer,
        method: &str,
        shared: Option<SharedState>,
        instrumentation: Instrumentation,
    ) -> Self {
        let start = (timer, Side::Client, MethodKind::new(method));
        Self::activate(started, TracingSpan::none(), start, shared, instrumentation)
    }

    /// Creates an exchange that starts no span and uses `context`.
    pub(super) fn untraced(
        context: Context,
        method: &str,
        instrumentation: Instrumentation,
    ) -> Self {
        let started = StartedSpan::non_recording(context);
        let mut exchange = Self::client(started, Timer::default(), method, None, instrumentation);
        if let Some(active) = exchange.slot.get_mut() {
            active.is_filtered = true;
        }
        exchange
    }

    #[inline(always)]
    fn activate(
        StartedSpan { context, is_recorded, held }: StartedSpan,
        tracing_span: TracingSpan,
        (timer, side, method): (Timer, Side, MethodKind),
        shared: Option<SharedState>,
        instrumentation: Instrumentation,
    ) -> Self {
        Self {
            slot: Slot::new(ActiveExchange {
                context,
                tracing_span,
                instrumentation,
                timer,
                side,
                method,
                is_recorded,
                held,
                is_filtered: false,
                has_ended: false,
                injects: true,
                status: None,
                rpc_status: None,
                has_first_byte: false,
                remaining: UNKNOWN,
                awaits_status: None,
                reason: None,
                shared,
            }),
        }
    }

    /// Creates a no-op exchange: its methods do nothing.
    pub const fn noop() -> Self {
        Self { slot: Slot::empty() }
    }

    /// Takes the exchange out and leaves a no-op exchange behind.
    pub const fn take(&mut self) -> Self {
        mem::replace(self, Self::noop())
    }

    /// Returns the span, for the request's extensions.
    pub fn request_span(&self) -> Option<RequestSpan> {
        let active = self.slot.get()?;
        Some(RequestSpan::new(&active.context, active.shared.as_ref(), &active.instrumentation))
    }

    /// Whether the option `filter` has excluded the request. A middleware inside may still create its span.
    pub fn is_filtered(&self) -> bool {
        self.slot.get().is_some_and(|active| active.is_filtered)
    }

    /// Returns the OpenTelemetry context that holds the span.
    pub fn context(&self) -> Option<&Context> {
        self.slot.get().map(|active| &active.context)
    }

    pub(super) fn skip_injection(&mut self) {
        if let Some(active) = self.slot.get_mut() {
            active.injects = false;
        }
    }

    /// Writes the context into the headers of a request. If the context must not be sent to its host, removes such
    /// fields instead.
    pub fn inject<H: HeadersMut>(&self, headers: &mut H) {
        let Some(active) = self.slot.get() else { return };
        let propagator = active.instrumentation.propagator();
        if active.injects {
            propagator.inject(&active.context, headers);
            if active.options().sends_request_id {
                Extras::inject_request_id(&active.context, headers);
            }
        } else {
            propagator.remove(headers);
        }
    }

    /// Returns a counter for the body of the request, if the option `body_sizes` is set.
    pub fn request_body_counter(&self) -> Option<BodyCounter> {
        let active = self.slot.get()?;
        let shared = active.shared.as_ref().filter(|_| active.options().has_body_sizes);
        shared.cloned().map(BodyCounter)
    }

    /// Omits the size of the response, because the bytes of its body that pass are not those that were transferred.
    pub(crate) fn hide_response_size(&self) {
        if let Some(shared) = self.slot.get().and_then(|active| active.shared.as_ref()) {
            shared.hide_response_size();
        }
    }

    /// Whether a route that is set now would name the span.
    pub fn needs_route(&self) -> bool {
        let shared = self.slot.get().and_then(|active| active.shared.as_ref());
        shared.is_some_and(|shared| !shared.has_route())
    }

    /// Sets the route that answers the request, if no other is set. It names the span and is a label of its metric.
    pub fn set_route(&self, method: &str, route: &str) {
        let Some(active) = self.slot.get() else { return };
        if let Some(shared) = &active.shared {
            let options = &active.options().attribute_options;
            shared.set_route(&active.context, options, method, route);
        }
    }

    /// Records that no route has answered the request. A span name that contains the expected route is replaced.
    pub fn set_unrouted(&self, method: &str) {
        let Some(active) = self.slot.get() else { return };
        if let Some(shared) = &active.shared {
            shared.set_unrouted(&active.context, method);
        }
    }

    /// Runs `f` with the span current, for OpenTelemetry and for `tracing`. It does so after the end of the exchange
    /// too, because code that runs after the last byte still belongs to the request.
    ///
    /// # Panics
    ///
    /// If `f` panics; the exchange ends as panicked first.
    pub fn in_scope<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.in_scope_with(f, |_| {})
    }

    /// Runs `f` like [`in_scope`](Self::in_scope). If it panics, `on_panic` is called before the exchange ends, to
    /// record the facts that are available by then.
    ///
    /// # Panics
    ///
    /// If `f` panics.
    #[inline(always)]
    pub fn in_scope_with<R>(&mut self, f: impl FnOnce() -> R, on_panic: impl FnOnce(&Self)) -> R {
        let Some(active) = self.slot.get() else { return f() };
        let _test = active.instrumentation.enter_test();
        let in_scope = || tracing_span::in_scope(&active.tracing_span, &active.context, f);
        match catch_unwind(AssertUnwindSafe(in_scope)) {
            Ok(result) => result,
            Err(panic) => self.end_with_panic(panic, on_panic),
        }
    }

    /// Ends the exchange at once, because the panic may be caught between this exchange and the executor, so that no
    /// destructor runs during the unwinding.
    #[cold]
    fn end_with_panic(&mut self, panic: Box<dyn Any + Send>, on_panic: impl FnOnce(&Self)) -> ! {
        on_panic(self);
        self.set_reason(|| FailureReason::from_panic(panic_message(&*panic).unwrap_or_default()));
        self.end(Outcome::Panicked);
        resume_unwind(panic)
    }

    /// Makes the span current until the returned value is dropped. A panic ends the exchange only if it drops the
    /// exchange, so call this method in the function that owns the exchange. Otherwise use
    /// [`in_scope`](Self::in_scope).
    ///
    /// ```compile_fail
    /// #![deny(unused_must_use)]
    /// # let exchange = tracing_core_ext::exchange::Exchange::noop();
    /// exchange.enter(); // The value has to be kept.
    /// ```
    #[inline(always)]
    pub fn enter(&self) -> EnteredExchange<'_> {
        let active = self.slot.get();
        EnteredExchange {
            _test: active.and_then(|it| it.instrumentation.enter_test()),
            _entered: active.map(|it| tracing_span::enter(&it.tracing_span, &it.context)),
        }
    }

    /// Adds the fields that identify the trace to the headers of a response, if the options contain any.
    #[inline]
    pub fn inject_response<H: HeadersMut>(&self, headers: &mut H) {
        let Some(active) = self.slot.get() else { return };
        if active.options().extras().is_some() {
            Extras::inject_request_id(&active.context, headers);
        }
        for field in &active.options().response_headers {
            field.write(active.context.span().span_context(), headers);
        }
    }

    /// Records the head of the response.
    pub fn on_response<H: Headers>(&mut self, response: &ResponseHead<'_, H>) {
        let Some(active) = self.slot.get_mut() else { return };
        let ResponseHead { status, length, headers } = *response;
        active.status = Some(status);
        active.remaining = length.unwrap_or(UNKNOWN);
        active.record_response(status, headers);
        match (status, active.method) {
            (101, _) | (200..300, MethodKind::Connect) => self.end(Outcome::Upgraded),
            (204 | 205 | 304, _) | (_, MethodKind::Head) => self.end(Outcome::Complete),
            _ if length == Some(0) && !active.awaits_trailers() => self.end(Outcome::Complete),
            _ => {}
        }
    }

    /// Records properties of the connection that a client reads with the head of the response. A server has them at the
    /// start.
    #[inline]
    pub fn record_connection(&self, version: Option<ProtocolVersion>, peer: Option<SocketAddr>) {
        let is_client = |active: &&ActiveExchange| active.side == Side::Client;
        let Some(active) = self.slot.get().filter(is_client) else { return };
        if let Some((shared, version)) = active.shared.as_ref().zip(version) {
            shared.set_version(version);
        }
        if active.is_recorded {
            active.record_connection(version, peer);
        }
    }

    /// Ends the exchange with the error that the service returned instead of a response.
    pub(super) fn end_with_error<E: Display + Debug + 'static>(&mut self, error: &E) {
        let is_client = self.slot.get().is_some_and(|active| active.side == Side::Client);
        let error_type = match is_client {
            true if reason::is_timeout(error) => ErrorType::Timeout,
            true => ErrorType::Request,
            false => ErrorType::Service,
        };
        self.set_reason(|| FailureReason::from_any(error, is_client));
        self.end(Outcome::Failed(error_type));
    }

    /// Sets the reason of a failure. The messages of `error` and its sources become the description of the span's
    /// status and an `exception` event. It is called before [`end`](Self::end), and has no effect if the exchange ends
    /// without an error.
    ///
    /// The text has at most 1,024 characters, and credentials in URLs are redacted.
    pub fn set_error<E: Error + ?Sized>(&mut self, error: &E) {
        self.set_reason(|| FailureReason::from_error(error));
    }

    /// Sets the reason of a failure, as [`set_error`](Self::set_error) does, to any text.
    pub fn set_error_message<D: Display + ?Sized>(&mut self, message: &D) {
        self.set_reason(|| FailureReason::from_display(message));
    }

    pub(super) fn set_error_of_any_type<E: Display + Debug + 'static>(&mut self, error: &E) {
        self.set_reason(|| FailureReason::from_any(error, false));
    }

    fn set_reason(&mut self, reason: impl FnOnce() -> FailureReason) {
        let active =
            self.slot.get_mut().filter(|active| active.keeps_reason() && !active.has_ended);
        if let Some(active) = active {
            active.reason = Some(Box::new(reason()));
        }
    }

    /// Records that a frame with `bytes` of data was passed on.
    ///
    /// A server stops polling a body at its declared length, so its last byte ends the exchange.
    #[inline]
    pub fn on_body_chunk(&mut self, bytes: u64) {
        let Some(active) = self.slot.get_mut() else { return };
        if let Some(shared) = &active.shared {
            shared.add_to_response(bytes);
        }
        if active.remaining == UNKNOWN {
            active.on_first_byte(bytes);
            return;
        }
        active.remaining = active.remaining.saturating_sub(bytes);
        if active.remaining == 0 && !active.awaits_trailers() {
            self.end(Outcome::Complete);
        }
    }

    /// Reads a chunk of the body that is passed on, for protocols whose status is in the body, such as gRPC-Web. It is
    /// called before [`on_body_chunk`](Self::on_body_chunk).
    #[inline]
    pub fn on_body_content(&mut self, chunk: &[u8]) {
        if let Some(active) = self.slot.get_mut() {
            active.parse_web_status(chunk);
        }
    }

    /// Reads the trailers after the body.
    pub fn on_trailers<H: Headers>(&mut self, trailers: &H) {
        if let Some(active) = self.slot.get_mut().filter(|active| active.awaits_trailers()) {
            active.parse_rpc_status(trailers);
        }
    }

    /// Whether a span or a metric is recorded when the exchange ends.
    pub(crate) fn is_observed(&self) -> bool {
        self.slot.get().is_some_and(ActiveExchange::is_recorded_or_measured)
    }

    /// Whether the exchange has ended, so that a further call of [`end`](Self::end) has no effect.
    #[inline]
    pub fn has_ended(&self) -> bool {
        self.slot.get().is_none_or(|active| active.has_ended)
    }

    /// Time since the start, or zero if the exchange is neither recorded nor measured.
    pub fn elapsed(&self) -> Duration {
        self.slot.get().map_or(Duration::ZERO, |active| active.timer.elapsed())
    }

    /// Ends the exchange. Only the first call counts.
    #[inline]
    pub fn end(&mut self, outcome: Outcome) {
        if let Some(active) = self.slot.get_mut().filter(|active| !active.has_ended) {
            active.has_ended = true;
            if active.is_recorded_or_measured() {
                let _test = active.instrumentation.enter_test();
                active.end_span(outcome);
            }
        }
    }

    /// Called on drop if [`end`](Self::end) was not called.
    #[cold]
    fn end_on_drop(&mut self) {
        let Some(active) = self.slot.get() else { return };
        // A panic of the caller is no failure of the service it called.
        let panicked = active.side == Side::Server && thread::panicking();
        let outcome = match active.remaining {
            _ if panicked => Outcome::Panicked,
            0 => Outcome::Complete,
            _ => Outcome::Cancelled,
        };
        self.end(outcome);
    }
}

/// Guard that keeps the span of an exchange current, made by [`Exchange::enter`].
#[derive(Debug)]
#[must_use = "the span is current until this is dropped"]
pub struct EnteredExchange<'a> {
    _entered: Option<tracing_span::Entered<'a>>,
    /// Dropped after the span is exited.
    _test: Option<EnteredTest>,
}

impl Drop for Exchange {
    #[inline]
    fn drop(&mut self) {
        if !self.has_ended() {
            self.end_on_drop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An exchange moves from the future into the body, and with them through the framework.
    #[test]
    fn an_exchange_is_one_pointer() {
        assert_eq!(size_of::<Exchange>(), size_of::<usize>());
    }
}
