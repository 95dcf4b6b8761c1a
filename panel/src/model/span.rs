//! Spans.

use std::{borrow::Cow, fmt, sync::Arc};

use super::{Attributes, Nanos, Resource, Scope, SpanId, TraceId, Value};

/// Ended span of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Trace to which the span belongs.
    pub trace_id: TraceId,
    /// Identifier within the trace.
    pub id: SpanId,
    /// Parent span, which may be absent from the store.
    pub parent: Option<SpanId>,
    /// W3C `tracestate`.
    pub trace_state: Box<str>,
    /// W3C trace flags and the flag of a remote parent.
    pub flags: u32,
    /// Sender.
    pub resource: Arc<Resource>,
    /// Instrumentation library.
    pub scope: Arc<Scope>,
    /// Name of the operation.
    pub name: Arc<str>,
    /// Role in the exchange with another service.
    pub kind: Kind,
    /// Start.
    pub start: Nanos,
    /// End, which is not before `start`.
    pub end: Nanos,
    /// Attributes.
    pub attributes: Attributes,
    /// Number of attributes that the sender or the panel has dropped.
    pub dropped_attributes: u32,
    /// Events in the order received.
    pub events: Box<[Event]>,
    /// Number of events that the sender or the panel has dropped.
    pub dropped_events: u32,
    /// Links to other spans.
    pub links: Box<[Link]>,
    /// Number of links that the sender or the panel has dropped.
    pub dropped_links: u32,
    /// Status code.
    pub status: Status,
    /// Description of an error.
    pub message: Box<str>,
}

/// Event within a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Time of the event.
    pub time: Nanos,
    /// Name.
    pub name: Arc<str>,
    /// Attributes.
    pub attributes: Attributes,
    /// Number of attributes that the sender or the panel has dropped.
    pub dropped_attributes: u32,
}

/// Link from a span to a span of the same or of another trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Trace of the target.
    pub trace_id: TraceId,
    /// Span of the target.
    pub span_id: SpanId,
    /// W3C `tracestate` of the target.
    pub trace_state: Box<str>,
    /// Attributes.
    pub attributes: Attributes,
    /// Number of attributes that the sender or the panel has dropped.
    pub dropped_attributes: u32,
    /// W3C trace flags.
    pub flags: u32,
}

/// Role of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Operation inside a service.
    #[default]
    Internal,
    /// Handling of a request.
    Server,
    /// Request to another service.
    Client,
    /// Sending of a message.
    Producer,
    /// Handling of a message.
    Consumer,
}

/// Status code of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not set.
    #[default]
    Unset,
    /// Set to success by the application.
    Ok,
    /// Failed.
    Error,
}

impl Kind {
    /// Returns the name of the kind in a search: `kind:server`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Status {
    /// Returns the name of the status code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

impl Span {
    /// Returns the service that sent the span.
    pub fn service(&self) -> &Arc<str> {
        &self.resource.service
    }

    /// Returns the duration in nanoseconds.
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether the span failed.
    pub fn is_error(&self) -> bool {
        self.status == Status::Error
    }

    /// Whether the span is a request or message that the service handles, or a root.
    pub fn is_entry(&self) -> bool {
        matches!(self.kind, Kind::Server | Kind::Consumer) || self.parent.is_none()
    }

    /// Returns `http.route`.
    pub fn route(&self) -> Option<Cow<'_, str>> {
        self.attributes.text("http.route")
    }

    /// Returns the status code of the HTTP or gRPC response.
    pub fn status_code(&self) -> Option<u16> {
        let keys = ["http.response.status_code", "http.status_code", "rpc.grpc.status_code"];
        let value = keys.iter().find_map(|key| self.attributes.find(key))?;
        let number = value.number()?;
        (0.0..=999.0).contains(&number).then_some(number as u16)
    }

    /// Returns method and route if there are both, or else the name of the span.
    pub fn operation(&self) -> Cow<'_, str> {
        let method = self.attributes.find("http.request.method");
        let method = method.or_else(|| self.attributes.find("http.method"));
        match (method, self.attributes.find("http.route")) {
            (Some(Value::Text(method)), Some(Value::Text(route))) => {
                Cow::Owned(format!("{method} {route}"))
            }
            _ => Cow::Borrowed(&self.name),
        }
    }

    /// Returns the type of the exception, or the attribute `error.type`.
    pub fn error_type(&self) -> Option<Cow<'_, str>> {
        let exception = self.exception().and_then(|event| event.attributes.text("exception.type"));
        exception.or_else(|| self.attributes.text("error.type"))
    }

    /// Returns the last event that records an exception.
    pub fn exception(&self) -> Option<&Event> {
        self.events.iter().rev().find(|event| &*event.name == "exception")
    }

    /// Returns the status message, or the message of the exception.
    pub fn error_message(&self) -> Option<Cow<'_, str>> {
        if !self.message.is_empty() {
            return Some(Cow::Borrowed(&self.message));
        }
        self.exception().and_then(|event| event.attributes.text("exception.message"))
    }

    /// Returns the estimated memory of the span, in bytes.
    pub fn bytes(&self) -> usize {
        let events: usize = self.events.iter().map(Event::bytes).sum();
        let links: usize = self.links.iter().map(Link::bytes).sum();
        let text = self.trace_state.len() + self.message.len();
        size_of::<Self>() + self.attributes.heap_bytes() + events + links + text
    }
}

impl Event {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.attributes.heap_bytes()
    }
}

impl Link {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.attributes.heap_bytes() + self.trace_state.len()
    }
}
