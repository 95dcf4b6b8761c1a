//! Spans for messages.

use opentelemetry::{
    Context, Key, KeyValue,
    trace::{SpanContext, SpanKind, TraceContextExt, Tracer, TracerProvider},
};

use super::{
    carrier::Carrier,
    message_attributes::{MessageAttributes, Operation},
    message_span::MessageSpan,
};
use crate::{
    exchange::{AttributeValue, Builder, Instrumentation},
    trace::{SpanStart, Timer, boxed_link},
};

/// Messages of one messaging system: spans for those that are sent and those that are processed, by the semantic
/// conventions 1.44 for messaging (development).
///
/// ```
/// use tracing_core_ext::carry::{Carrier, Messaging};
///
/// struct Order { item: String, trace: Carrier }
///
/// # async fn publish(order: Order) -> std::io::Result<()> { Ok(()) }
/// # async fn ship(order: Order) -> std::io::Result<()> { Ok(()) }
/// # async fn run(rabbitmq: Messaging, item: String) -> std::io::Result<()> {
/// // Once: let rabbitmq = Messaging::new("rabbitmq");
///
/// // The sender, such as a handler:
/// let sending = rabbitmq.send("orders").start();
/// let order = Order { item, trace: sending.carrier() };
/// sending.run(publish(order)).await?;
///
/// // The receiver:
/// # let order = Order { item: String::new(), trace: Carrier::default() };
/// let processing = rabbitmq.process("orders").parent(&order.trace).start();
/// let shipped = processing.run(ship(order)).await;
/// if let Err(error) = &shipped {
///     processing.record_error(error);
/// }
/// # Ok(())
/// # }
/// ```
///
/// | | kind | name | `messaging.operation.type` |
/// | --- | --- | --- | --- |
/// | [`send`](Self::send) | producer | `send {destination}` | `send` |
/// | [`process`](Self::process) | consumer | `process {destination}` | `process` |
///
/// Both have `messaging.system`, `messaging.operation.name` and `messaging.destination.name` as well.
#[derive(Clone, Debug)]
pub struct Messaging {
    system: String,
    instrumentation: Instrumentation,
}

impl Messaging {
    /// Creates spans with the provider and the propagator that are installed at this time. Install them first.
    ///
    /// `system` is the value of `messaging.system`: one of the conventions, such as `kafka`, `rabbitmq` or `aws_sqs`, or
    /// another name in lower case.
    pub fn new(system: impl Into<String>) -> Self {
        Self::build(system.into(), |builder| builder)
    }

    /// Creates spans with `provider`.
    pub fn with_provider<P>(system: impl Into<String>, provider: &P) -> Self
    where
        P: TracerProvider + 'static,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        Self::build(system.into(), |builder| builder.tracer_provider(provider))
    }

    fn build(
        system: String,
        options: impl FnOnce(Builder<Instrumentation>) -> Builder<Instrumentation>,
    ) -> Self {
        let builder = Builder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self { system, instrumentation: options(builder).build() }
    }

    /// Describes the sending of a message to `destination`: a queue, a topic or an exchange. Its span is a child of the
    /// current one, and the parent or a link of the receiver's.
    pub const fn send<'a>(&'a self, destination: &'a str) -> MessageBuilder<'a> {
        MessageBuilder::new(self, Operation::Send, destination)
    }

    /// Describes the processing of a message from `destination`.
    pub const fn process<'a>(&'a self, destination: &'a str) -> MessageBuilder<'a> {
        MessageBuilder::new(self, Operation::Process, destination)
    }
}

/// Description of a span for a message, made by [`Messaging::send`] and [`Messaging::process`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start` is called"]
pub struct MessageBuilder<'a> {
    messaging: &'a Messaging,
    operation: Operation,
    operation_name: Option<&'a str>,
    destination: &'a str,
    template: Option<&'a str>,
    message_id: Option<&'a str>,
    message_count: Option<i64>,
    server: Option<(&'a str, Option<u16>)>,
    attributes: Vec<KeyValue>,
    parent: Option<Context>,
    links: Vec<SpanContext>,
    /// Whether a link was requested, valid or not.
    is_linked: bool,
}

impl<'a> MessageBuilder<'a> {
    const fn new(messaging: &'a Messaging, operation: Operation, destination: &'a str) -> Self {
        Self {
            messaging,
            operation,
            operation_name: None,
            destination,
            template: None,
            message_id: None,
            message_count: None,
            server: None,
            attributes: Vec::new(),
            parent: None,
            links: Vec::new(),
            is_linked: false,
        }
    }

    /// Continues the trace of `carrier`: its span is the parent, and its baggage is current. Without a valid span in it a
    /// new trace starts.
    ///
    /// It fits a message that is processed soon after it was sent.
    pub fn parent(mut self, carrier: &Carrier) -> Self {
        self.parent = Some(self.context_of(carrier));
        self
    }

    /// Adds a link to the span of `carrier`. Without a [`parent`](Self::parent) a new trace starts, without baggage.
    ///
    /// It fits jobs that run much later, batches of messages of several traces (call it for each message), and senders
    /// that are not trusted. A carrier without a valid span adds no link.
    pub fn link(mut self, carrier: &Carrier) -> Self {
        let context = self.context_of(carrier);
        let span = context.span().span_context().clone();
        self.links.extend(Some(span).filter(SpanContext::is_valid));
        self.is_linked = true;
        self
    }

    fn context_of(&self, carrier: &Carrier) -> Context {
        carrier.context_by(self.messaging.instrumentation.propagator())
    }

    /// Sets the name of the operation in the system's own terms, such as `publish`: `messaging.operation.name`, and part
    /// of the span's name. The default is `send` or `process`.
    pub const fn operation_name(mut self, name: &'a str) -> Self {
        self.operation_name = Some(name);
        self
    }

    /// Sets `messaging.destination.template`, which is part of the span's name instead of the destination: for
    /// destinations with identifiers in them, such as `orders.{tenant}`.
    pub const fn template(mut self, template: &'a str) -> Self {
        self.template = Some(template);
        self
    }

    /// Sets `messaging.message.id`.
    pub const fn message_id(mut self, id: &'a str) -> Self {
        self.message_id = Some(id);
        self
    }

    /// Sets `messaging.batch.message_count`, for an operation on several messages.
    pub fn message_count(mut self, count: usize) -> Self {
        self.message_count = Some(i64::try_from(count).unwrap_or(i64::MAX));
        self
    }

    /// Sets `server.address` and `server.port` of the broker.
    pub const fn server(mut self, address: &'a str, port: Option<u16>) -> Self {
        self.server = Some((address, port));
        self
    }

    /// Adds an attribute, which samplers receive too.
    pub fn attribute(mut self, key: impl Into<Key>, value: impl AttributeValue) -> Self {
        self.attributes.push(KeyValue::new(key, value.into_value()));
        self
    }

    /// Starts the span. Without a parent or a link it is a child of the current one.
    pub fn start(self) -> MessageSpan {
        let instrumentation = &self.messaging.instrumentation;
        let attributes = MessageAttributes {
            system: &self.messaging.system,
            operation: self.operation,
            operation_name: self.operation_name,
            destination: self.destination,
            template: self.template,
            message_id: self.message_id,
            message_count: self.message_count,
            server: self.server,
            others: &self.attributes,
            options: &instrumentation.options().attribute_options,
        };
        let parent = match self.parent {
            Some(parent) => parent,
            None if self.is_linked => Context::new(),
            None => Context::current(),
        };
        let mut timer = Timer::default();
        let kind = match self.operation {
            Operation::Send => SpanKind::Producer,
            Operation::Process => SpanKind::Consumer,
        };
        let link = self.links.first().and_then(boxed_link);
        let start = SpanStart { kind, timer: &mut timer, link, attributes: &attributes };
        let context = instrumentation.tracer().start(&parent, start).context;
        for link in self.links.into_iter().skip(1) {
            context.span().add_link(link, Vec::new());
        }
        MessageSpan::new(context, timer, instrumentation.clone())
    }
}
