//! Fields of a span in OTLP/protobuf.

use std::time::SystemTime;

use opentelemetry::{
    KeyValue, SpanId,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};

use crate::{
    export::otlp::protocol::{
        protobuf::Writer,
        strings::{Strings, nanoseconds},
    },
    semconv::Facts,
};

/// A span to encode, borrowed from a record or from the SDK's type.
pub(super) struct SpanFields<'a> {
    pub(super) identity: &'a SpanContext,
    pub(super) parent_span_id: SpanId,
    pub(super) parent_is_remote: bool,
    pub(super) kind: &'a SpanKind,
    pub(super) name: &'a str,
    pub(super) times: [SystemTime; 2],
    pub(super) attributes: AttributeFields<'a>,
    pub(super) dropped_attributes: u32,
    pub(super) events: (&'a [Event], u32),
    pub(super) links: (&'a [Link], u32),
    pub(super) status: &'a Status,
}

pub(super) enum AttributeFields<'a> {
    Facts(&'a Facts),
    List(&'a [KeyValue]),
}

impl SpanFields<'_> {
    pub(super) fn write(&self, strings: &mut Strings<'_>) {
        let writer = &mut *strings.writer;
        writer.bytes(1, &self.identity.trace_id().to_bytes());
        writer.bytes(2, &self.identity.span_id().to_bytes());
        write_trace_state(writer, self.identity.trace_state());
        if self.parent_span_id != SpanId::INVALID {
            writer.bytes(4, &self.parent_span_id.to_bytes());
        }
        writer.fixed32(16, flags(self.identity, self.parent_is_remote));
        strings.text(5, self.name);
        let writer = &mut *strings.writer;
        writer.integer(6, kind(self.kind));
        writer.fixed64(7, nanoseconds(self.times[0]));
        writer.fixed64(8, nanoseconds(self.times[1]));
        match &self.attributes {
            AttributeFields::Facts(facts) => {
                facts.for_each(|key, value| strings.attribute(9, key, value));
            }
            AttributeFields::List(list) => strings.attributes(9, list),
        }
        strings.writer.integer(10, u64::from(self.dropped_attributes));
        self.events.0.iter().for_each(|event| strings.event(event));
        strings.writer.integer(12, u64::from(self.events.1));
        self.links.0.iter().for_each(|link| strings.link(link));
        strings.writer.integer(14, u64::from(self.links.1));
        strings.status(self.status);
    }
}

impl Strings<'_> {
    fn event(&mut self, event: &Event) {
        let message = self.writer.begin(11);
        self.writer.fixed64(1, nanoseconds(event.timestamp));
        self.text(2, &event.name);
        self.attributes(3, &event.attributes);
        self.writer.integer(4, u64::from(event.dropped_attributes_count));
        self.writer.end(message);
    }

    fn link(&mut self, link: &Link) {
        let identity = &link.span_context;
        let message = self.writer.begin(13);
        self.writer.bytes(1, &identity.trace_id().to_bytes());
        self.writer.bytes(2, &identity.span_id().to_bytes());
        write_trace_state(self.writer, identity.trace_state());
        self.attributes(4, &link.attributes);
        self.writer.integer(5, u64::from(link.dropped_attributes_count));
        self.writer.fixed32(6, flags(identity, identity.is_remote()));
        self.writer.end(message);
    }

    fn status(&mut self, status: &Status) {
        if *status == Status::Unset {
            return self.writer.bytes(15, &[]);
        }
        let message = self.writer.begin(15);
        match status {
            Status::Unset => {}
            Status::Ok => self.writer.integer(3, 1),
            Status::Error { description } => {
                self.text(2, description);
                self.writer.integer(3, 2);
            }
        }
        self.writer.end(message);
    }
}

fn write_trace_state(writer: &mut Writer, trace_state: &TraceState) {
    if *trace_state != TraceState::NONE {
        writer.text(3, &trace_state.header());
    }
}

/// The W3C flags, whether it is known that the parent is remote, and whether it is.
fn flags(identity: &SpanContext, is_remote: bool) -> u32 {
    u32::from(identity.trace_flags().to_u8()) | 0x100 | u32::from(is_remote) << 9
}

fn kind(kind: &SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}
