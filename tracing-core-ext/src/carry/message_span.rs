use std::{
    fmt::Display,
    pin::Pin,
    task::{self, Poll},
    thread,
};

use opentelemetry::{
    Context, Key, KeyValue, SpanId, TraceId,
    trace::{Status, TraceContextExt},
};
use pin_project::pin_project;

use super::carrier::Carrier;
use crate::{
    base::observe_panic,
    exchange::{AttributeValue, ErrorType, Instrumentation, outcome::reason::FailureReason},
    semconv::names,
    trace::Timer,
};

/// The span of a message, made by [`MessageBuilder::start`](super::MessageBuilder::start). It ends when this is dropped.
///
/// In [`run`](Self::run) and [`scope`](Self::scope) it is current for OpenTelemetry: spans of `tracing` are its children,
/// and log lines have its IDs.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct MessageSpan {
    context: Context,
    timer: Timer,
    instrumentation: Instrumentation,
}

impl MessageSpan {
    pub(super) const fn new(
        context: Context,
        timer: Timer,
        instrumentation: Instrumentation,
    ) -> Self {
        Self { context, timer, instrumentation }
    }

    /// Returns the span and its baggage for the message.
    pub fn carrier(&self) -> Carrier {
        Carrier::of(&self.context, self.instrumentation.propagator())
    }

    /// Polls `future` with this span current. A panic in it ends the span, with `error.type` `panic`.
    pub const fn run<F: Future>(&self, future: F) -> MessageFuture<'_, F> {
        MessageFuture { inner: future, span: self }
    }

    /// Runs `f` with this span current. A panic in it ends the span, with `error.type` `panic`.
    ///
    /// # Panics
    ///
    /// If `f` panics.
    pub fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let in_scope = || {
            let _attached = self.context.clone().attach();
            f()
        };
        observe_panic(in_scope, |message| {
            self.fail(FailureReason::from_panic(message), ErrorType::Panic.as_str());
            self.end();
        })
    }

    /// Returns the trace ID. It is all zeros if no SDK is installed and no trace is continued.
    pub fn trace_id(&self) -> TraceId {
        self.context.span().span_context().trace_id()
    }

    /// Returns the ID of the span.
    pub fn span_id(&self) -> SpanId {
        self.context.span().span_context().span_id()
    }

    /// Returns the OpenTelemetry context that holds the span.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Adds an attribute to the span.
    pub fn set_attribute(&self, key: impl Into<Key>, value: impl AttributeValue) {
        let span = self.context.span();
        if span.is_recording() {
            span.set_attribute(KeyValue::new(key, value.into_value()));
        }
    }

    /// Marks the span as failed and describes `error`, an error or any other text, in an `exception` event. `error.type`
    /// is the type of the error, or `_OTHER` if it is text or of an erased type.
    ///
    /// Semantic conventions, "Recording errors".
    pub fn record_error<E: Display + ?Sized>(&self, error: &E) {
        if self.context.span().is_recording() {
            let reason = FailureReason::from_display(error);
            let error_type = reason.type_name().unwrap_or("_OTHER");
            self.fail(reason, error_type);
        }
    }

    fn fail(&self, reason: FailureReason, error_type: &'static str) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new(names::ERROR_TYPE, error_type));
        let options = &self.instrumentation.options().attribute_options;
        reason.record(&span, self.timer.now(), options);
    }

    /// Ends the span. A second call has no effect, because a span that has ended does not record.
    fn end(&self) {
        let span = self.context.span();
        if span.is_recording() {
            span.end_with_timestamp(self.timer.now());
        }
    }
}

impl Drop for MessageSpan {
    fn drop(&mut self) {
        let span = self.context.span();
        if thread::panicking() && span.is_recording() {
            span.set_attribute(KeyValue::new(names::ERROR_TYPE, ErrorType::Panic.as_str()));
            span.set_status(Status::error(""));
        }
        self.end();
    }
}

/// Future that is polled in the span of a message, made by [`MessageSpan::run`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct MessageFuture<'a, F> {
    #[pin]
    inner: F,
    span: &'a MessageSpan,
}

impl<F: Future> Future for MessageFuture<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.span.scope(|| this.inner.poll(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use opentelemetry::trace::SpanKind;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

    use super::*;
    use crate::carry::Messaging;

    /// Returns the spans that are exported by `f`, in the order of their ends.
    fn exported(f: impl FnOnce(&Messaging)) -> Vec<SpanData> {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        f(&Messaging::with_provider("rabbitmq", &provider));
        exporter.get_finished_spans().unwrap()
    }

    fn attributes(span: &SpanData) -> Vec<(&str, String)> {
        span.attributes.iter().map(|it| (it.key.as_str(), it.value.to_string())).collect()
    }

    #[test]
    fn spans_of_a_message_follow_the_conventions() {
        let spans = exported(|queue| {
            let sending = queue.send("orders").message_id("m7").server("mq", Some(5672)).start();
            let carrier = sending.carrier();
            drop(sending);
            let processing = queue.process("orders.7").template("orders.{id}").parent(&carrier);
            drop(processing.operation_name("consume").message_count(2).attribute("a", 1).start());
        });
        let [sent, processed] = &*spans else { panic!("{spans:#?}") };
        assert_eq!((&*sent.name, &sent.span_kind), ("send orders", &SpanKind::Producer));
        let text = |pairs: &[(&'static str, &str)]| {
            pairs.iter().map(|(key, value)| (*key, (*value).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(
            attributes(sent),
            text(&[
                ("messaging.system", "rabbitmq"),
                ("messaging.operation.name", "send"),
                ("messaging.operation.type", "send"),
                ("messaging.destination.name", "orders"),
                ("messaging.message.id", "m7"),
                ("server.address", "mq"),
                ("server.port", "5672"),
            ])
        );
        assert_eq!(
            (&*processed.name, &processed.span_kind),
            ("consume orders.{id}", &SpanKind::Consumer)
        );
        assert_eq!(
            attributes(processed),
            text(&[
                ("messaging.system", "rabbitmq"),
                ("messaging.operation.name", "consume"),
                ("messaging.operation.type", "process"),
                ("messaging.destination.name", "orders.7"),
                ("messaging.destination.template", "orders.{id}"),
                ("messaging.batch.message_count", "2"),
                ("a", "1"),
            ])
        );
        assert_eq!(processed.parent_span_id, sent.span_context.span_id());
        assert!(processed.parent_span_is_remote && processed.links.is_empty());
        assert_eq!(processed.span_context.trace_id(), sent.span_context.trace_id());
        assert_eq!(sent.status, Status::Unset);
    }

    #[test]
    fn a_link_starts_a_new_trace_with_a_link_for_each_message() {
        let spans = exported(|queue| {
            let first = queue.send("orders").start().carrier();
            let second = queue.send("orders").start().carrier();
            let job = queue.process("orders").link(&first).link(&Carrier::default()).link(&second);
            job.start().scope(|| drop(queue.send("mails").start()));
        });
        let [first, second, mail, job] = &*spans else { panic!("{spans:#?}") };
        let links: Vec<_> = job.links.iter().map(|link| link.span_context.span_id()).collect();
        assert_eq!(links, [first, second].map(|it| it.span_context.span_id()));
        assert_ne!(job.span_context.trace_id(), first.span_context.trace_id());
        assert_eq!(job.parent_span_id, SpanId::INVALID);
        assert_eq!(mail.parent_span_id, job.span_context.span_id());
    }

    #[test]
    fn without_a_valid_span_a_consumer_starts_a_trace_of_its_own() {
        let spans = exported(|queue| {
            let _outer = queue.send("outer").start();
            let tampered: Carrier = [("traceparent", "00-zz")].into_iter().collect();
            let outer = _outer.context().clone().attach();
            drop(queue.process("a").link(&tampered).start());
            drop(queue.process("b").parent(&tampered).start());
            drop(queue.process("c").start());
            drop(outer);
        });
        let [a, b, c, outer] = &*spans else { panic!("{spans:#?}") };
        for root in [a, b] {
            assert_eq!((root.parent_span_id, root.links.len()), (SpanId::INVALID, 0));
            assert_ne!(root.span_context.trace_id(), outer.span_context.trace_id());
        }
        assert_eq!(c.parent_span_id, outer.span_context.span_id());
    }

    #[test]
    fn failures_and_panics_are_marked() {
        let spans = exported(|queue| {
            queue.process("a").start().record_error(&std::fmt::Error);
            queue.process("b").start().record_error("no stock");
            let span = queue.process("c").start();
            let panics = || span.scope(|| -> () { panic!("scripted") });
            catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
        });
        let [a, b, c] = &*spans else { panic!("{spans:#?}") };
        for (span, error_type, message) in [
            (a, "core::fmt::Error", std::fmt::Error.to_string()),
            (b, "_OTHER", "no stock".to_owned()),
            (c, "panic", "scripted".to_owned()),
        ] {
            let of_span = attributes(span);
            assert!(of_span.contains(&("error.type", error_type.to_owned())), "{of_span:?}");
            assert_eq!(span.status, Status::error(message));
            assert_eq!(span.events[0].name, "exception");
        }
    }
}
