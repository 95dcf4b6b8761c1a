//! Encoding of spans as OTLP/protobuf, directly from their records.

mod fields;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::trace::SpanData;

use self::fields::{AttributeFields, SpanFields};
use crate::{
    export::otlp::protocol::{batch_encoder::EncodeItem, protobuf::Writer, strings::Strings},
    trace::SpanRecord,
};

impl EncodeItem for SpanRecord {
    type Scope = InstrumentationScope;

    fn scope(&self) -> Option<&InstrumentationScope> {
        Self::scope(self).map(|scope| &**scope)
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        let extended = self.extended.as_deref();
        let fields = SpanFields {
            identity: &self.identity,
            parent_span_id: self.parent.span_id,
            parent_is_remote: self.parent.is_remote,
            kind: &self.kind,
            name: &self.name,
            times: [self.start_time, self.end_time],
            attributes: AttributeFields::Facts(&self.facts),
            dropped_attributes: self.facts.dropped(),
            events: extended.map_or((&[], 0), |it| (&it.events.events, it.events.dropped_count)),
            links: extended.map_or((&[], 0), |it| (&it.links.links, it.links.dropped_count)),
            status: &self.status,
        };
        fields.write(&mut Strings { writer, max: max_string });
    }
}

impl EncodeItem for SpanData {
    type Scope = InstrumentationScope;

    fn scope(&self) -> Option<&InstrumentationScope> {
        Some(&self.instrumentation_scope)
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        let fields = SpanFields {
            identity: &self.span_context,
            parent_span_id: self.parent_span_id,
            parent_is_remote: self.parent_span_is_remote,
            kind: &self.span_kind,
            name: &self.name,
            times: [self.start_time, self.end_time],
            attributes: AttributeFields::List(&self.attributes),
            dropped_attributes: self.dropped_attributes_count,
            events: (&self.events.events, self.events.dropped_count),
            links: (&self.links.links, self.links.dropped_count),
            status: &self.status,
        };
        fields.write(&mut Strings { writer, max: max_string });
    }
}

#[cfg(test)]
mod tests;
