use std::{
    fmt::Display,
    pin::Pin,
    task::{self, Poll},
    thread,
};

use opentelemetry::{
    Context, Key, KeyValue, SpanId, TraceId,
    baggage::{BaggageExt, KeyValueMetadata},
    trace::{SpanKind, Status, TraceContextExt},
};
use pin_project::pin_project;

use super::attribute_value::AttributeValue;
use crate::exchange::{
    instrumentation::Instrumentation,
    outcome::{
        ErrorType,
        reason::{self, FailureReason},
    },
};
use crate::{
    base::observe_panic,
    bridge::tracing_span::{self, TracingSpan},
    propagation::w3c::baggage_order::BaggageOrder,
    semconv::{names, websocket::WebSocketAttributes},
    trace::{SpanStart, Timer, boxed_link},
};

/// The span of an open WebSocket, made by [`RequestSpan::websocket`](crate::exchange::RequestSpan::websocket). It ends
/// when this is dropped.
///
/// It is the root of a new trace and links to the span of the handshake, whose trace ends long before. If the handshake
/// has no span, it links to the caller's span. Its kind is internal: a server span is one request and its response, and
/// tools that measure server spans would take a connection of days for a slow request.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct WebSocketSpan {
    context: Context,
    tracing_span: TracingSpan,
    timer: Timer,
    /// `None` if there is no span.
    instrumentation: Option<Instrumentation>,
}

impl WebSocketSpan {
    pub(crate) fn start(
        instrumentation: &Instrumentation,
        handshake: &Context,
        route: &str,
    ) -> Self {
        let attribute_options = &instrumentation.options().attribute_options;
        let attributes = &WebSocketAttributes { route, attribute_options };
        let (parent, mut timer) = (root_with_baggage_of(handshake), Timer::default());
        let link = boxed_link(handshake.span().span_context());
        let kind = SpanKind::Internal;
        let start = SpanStart { kind, timer: &mut timer, link, attributes };
        let tracer = instrumentation.tracer();
        let (started, tracing_span) =
            tracing_span::start_websocket(tracer, &parent, start, route, attribute_options);
        let instrumentation = Some(instrumentation.clone());
        Self { context: started.context, tracing_span, timer, instrumentation }
    }

    /// Creates a value that stands for no span.
    pub(crate) fn noop() -> Self {
        Self {
            context: Context::new(),
            tracing_span: TracingSpan::none(),
            timer: Timer::default(),
            instrumentation: None,
        }
    }

    /// Polls `future` with this span current, for OpenTelemetry and for `tracing`. A panic in it ends the span, with
    /// `error.type` `panic`.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::RequestSpan;
    /// # async fn receive() -> std::io::Result<()> { Ok(()) }
    /// # async fn connected(span: RequestSpan) {
    /// let connection = span.websocket("/chat");
    /// let received = connection.run(receive()).await;
    /// if let Err(error) = received {
    ///     connection.record_error(&error);
    /// }
    /// # }
    /// ```
    pub const fn run<F: Future>(&self, future: F) -> WebSocketFuture<'_, F> {
        WebSocketFuture { inner: future, span: self }
    }

    /// Returns the trace ID of the connection. It is all zeros if no SDK is installed.
    pub fn trace_id(&self) -> TraceId {
        self.context.span().span_context().trace_id()
    }

    /// Returns the ID of the span. It is all zeros if no SDK is installed.
    pub fn span_id(&self) -> SpanId {
        self.context.span().span_context().span_id()
    }

    /// Returns the OpenTelemetry context that holds the span, for further tasks that serve the connection.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Adds an attribute to the span.
    ///
    /// ```
    /// # fn connected(connection: &tracing_core_ext::exchange::WebSocketSpan) {
    /// connection.set_attribute("chat.messages", 3);
    /// # }
    /// ```
    pub fn set_attribute(&self, key: impl Into<Key>, value: impl AttributeValue) {
        let span = self.context.span();
        if span.is_recording() {
            span.set_attribute(KeyValue::new(key, value.into_value()));
        }
    }

    /// Marks the span as failed and describes `error`, an error or any other text, in an `exception` event, as
    /// [`RequestSpan::record_error`](crate::exchange::RequestSpan::record_error) does.
    ///
    /// Semantic conventions, "Exceptions on spans".
    pub fn record_error<E: Display + ?Sized>(&self, error: &E) {
        if let Some(instrumentation) = &self.instrumentation {
            let options = &instrumentation.options().attribute_options;
            reason::record_error(&self.context, error, options);
        }
    }

    fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let Some(instrumentation) = &self.instrumentation else { return f() };
        let in_scope = || tracing_span::in_scope(&self.tracing_span, &self.context, f);
        observe_panic(in_scope, |message| {
            let options = &instrumentation.options().attribute_options;
            let reason = FailureReason::from_panic(message);
            reason.record(&self.context.span(), self.timer.now(), options);
            self.end_as_panicked();
        })
    }

    /// Ends the span at once, because a panic may be caught while this value stays alive.
    fn end_as_panicked(&self) {
        let span = self.context.span();
        if span.is_recording() {
            span.set_attribute(KeyValue::new(names::ERROR_TYPE, ErrorType::Panic.as_str()));
            span.set_status(Status::error(""));
            span.end_with_timestamp(self.timer.now());
        }
    }

    /// Ends the span. A second call has no effect, because a span that has ended does not record.
    fn end(&self) {
        if thread::panicking() {
            return self.end_as_panicked();
        }
        let span = self.context.span();
        if span.is_recording() {
            span.end_with_timestamp(self.timer.now());
        }
    }
}

impl Drop for WebSocketSpan {
    fn drop(&mut self) {
        self.end();
    }
}

/// Creates a context with only the baggage of the handshake's context, because its other entries may belong to the
/// trace of the handshake.
fn root_with_baggage_of(handshake: &Context) -> Context {
    let baggage = handshake.baggage();
    if baggage.is_empty() {
        return Context::new();
    }
    let members = baggage.iter().map(|(key, (value, metadata))| {
        KeyValueMetadata::new(key.clone(), value.clone(), metadata.clone())
    });
    let root = Context::new().with_baggage(members);
    match BaggageOrder::of(handshake) {
        Some(order) => root.with_value(order.clone()),
        None => root,
    }
}

/// Future that is polled in the span of a WebSocket, made by [`WebSocketSpan::run`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct WebSocketFuture<'a, F> {
    #[pin]
    inner: F,
    span: &'a WebSocketSpan,
}

impl<F: Future> Future for WebSocketFuture<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.span.in_scope(|| this.inner.poll(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        pin::pin,
        task::Waker,
    };

    use http::Request;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

    use crate::exchange::spans::websocket_span::*;
    use crate::exchange::{builder::Builder, spans::request_span::RequestSpan};

    /// Returns the spans that are exported while `connect` runs with the span of a handshake.
    fn exported(connect: impl Fn(RequestSpan)) -> Vec<SpanData> {
        exported_where(true, connect)
    }

    fn exported_where(has_handshake: bool, connect: impl Fn(RequestSpan)) -> Vec<SpanData> {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let builder = Builder::<Instrumentation>::new("test", "1").tracer_provider(&provider);
        let request = Request::get("/ws")
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .header("baggage", "tenant=blue;public")
            .body(())
            .unwrap();
        let exchange = builder.filter(move |_| has_handshake).build().start_server(&request);
        connect(exchange.request_span().unwrap());
        exporter.get_finished_spans().unwrap()
    }

    fn poll<F: Future>(future: F) -> Poll<F::Output> {
        pin!(future).poll(&mut task::Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_connection_without_a_layer_has_no_span() {
        let span = RequestSpan::default().websocket("/ws");
        assert_eq!(span.trace_id(), TraceId::INVALID);
        assert_eq!(poll(span.run(async { 7 })), Poll::Ready(7));
    }

    #[test]
    fn a_connection_links_to_the_caller_of_a_filtered_handshake() {
        let spans = exported_where(false, |span| drop(span.websocket("/ws")));
        assert_eq!(spans.len(), 1, "{spans:#?}");
        let caller = &spans[0].links[0].span_context;
        assert_eq!(caller.span_id().to_string(), "b7ad6b7169203331");
        assert_ne!(spans[0].span_context.trace_id(), caller.trace_id());
    }

    #[test]
    fn the_baggage_of_the_handshake_goes_on() {
        exported(|span| {
            let connection = span.websocket("/ws");
            let tenant = connection.context().baggage().get_with_metadata("tenant").unwrap();
            assert_eq!((tenant.0.as_str(), tenant.1.as_str()), ("blue", "public"));
        });
    }

    #[test]
    fn an_error_is_recorded_on_the_connection() {
        let spans = exported(|span| {
            span.websocket("/ws").record_error(&std::fmt::Error);
        });
        let message = std::fmt::Error.to_string();
        assert_eq!(spans[0].status, Status::error(message));
        assert_eq!(spans[0].events[0].name, "exception");
    }

    #[test]
    fn an_attribute_is_set_on_the_connection() {
        let spans = exported(|span| {
            span.websocket("/ws").set_attribute("chat.messages", 3);
        });
        assert!(spans[0].attributes.contains(&KeyValue::new("chat.messages", 3)));
    }

    #[test]
    fn a_connection_that_is_cancelled_is_no_error() {
        let spans = exported(|span| {
            assert!(poll(span.websocket("/ws").run(std::future::pending::<()>())).is_pending());
        });
        assert_eq!(spans[0].status, Status::Unset);
    }

    #[test]
    fn a_panic_caught_outside_of_run_is_still_a_panic() {
        let spans = exported(|span| {
            let connection = span.websocket("/ws");
            let panics = connection.run(async { panic!("scripted") });
            catch_unwind(AssertUnwindSafe(|| poll(panics))).unwrap_err();
        });
        assert!(spans[0].attributes.contains(&KeyValue::new("error.type", "panic")));
        assert_eq!(spans.len(), 1);
    }
}
