//! Conversion of the spans of a request.

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{self as proto, span::SpanKind, status::StatusCode},
};

use super::reader::Reader;
use crate::model::{Event, Interner, Kind, Link, Resource, Scope, Span, SpanId, Status, TraceId};

/// Returns the spans, the number of invalid ones, and the number of truncated values.
pub(super) fn read(
    interner: &mut Interner,
    request: ExportTraceServiceRequest,
) -> (Vec<Span>, usize, usize) {
    let mut reader = Reader::new(interner);
    let (mut spans, mut invalid) = (Vec::new(), 0);
    for of_resource in request.resource_spans {
        let resource = reader.resource(of_resource.resource, &of_resource.schema_url);
        for of_scope in of_resource.scope_spans {
            let scope = reader.scope(of_scope.scope, &of_scope.schema_url);
            for span in of_scope.spans {
                match read_span(&mut reader, &resource, &scope, span) {
                    Some(span) => spans.push(span),
                    None => invalid += 1,
                }
            }
        }
    }
    (spans, invalid, reader.truncated)
}

fn read_span(
    reader: &mut Reader<'_>,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
    span: proto::Span,
) -> Option<Span> {
    let (trace_id, id) = (TraceId::from_slice(&span.trace_id)?, SpanId::from_slice(&span.span_id)?);
    let kind = kind(span.kind());
    let (attributes, dropped_attributes) =
        reader.attributes(span.attributes, span.dropped_attributes_count);
    let (events, dropped_events) = reader.limit(span.events, span.dropped_events_count);
    let (links, dropped_links) = reader.limit(span.links, span.dropped_links_count);
    let status = span.status.unwrap_or_default();
    Some(Span {
        trace_id,
        id,
        parent: SpanId::from_slice(&span.parent_span_id),
        trace_state: reader.boxed(&span.trace_state),
        flags: span.flags,
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        name: reader.name(&span.name),
        kind,
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano.max(span.start_time_unix_nano),
        attributes,
        dropped_attributes,
        events: events.into_iter().map(|event| read_event(reader, event)).collect(),
        dropped_events,
        links: links.into_iter().filter_map(|link| read_link(reader, link)).collect(),
        dropped_links,
        status: self::status(status.code()),
        message: reader.boxed(&status.message),
    })
}

fn read_event(reader: &mut Reader<'_>, event: proto::span::Event) -> Event {
    let (attributes, dropped_attributes) =
        reader.attributes(event.attributes, event.dropped_attributes_count);
    let name = reader.name(&event.name);
    Event { time: event.time_unix_nano, name, attributes, dropped_attributes }
}

fn read_link(reader: &mut Reader<'_>, link: proto::span::Link) -> Option<Link> {
    let (attributes, dropped_attributes) =
        reader.attributes(link.attributes, link.dropped_attributes_count);
    Some(Link {
        trace_id: TraceId::from_slice(&link.trace_id)?,
        span_id: SpanId::from_slice(&link.span_id)?,
        trace_state: reader.boxed(&link.trace_state),
        attributes,
        dropped_attributes,
        flags: link.flags,
    })
}

fn kind(kind: SpanKind) -> Kind {
    match kind {
        SpanKind::Unspecified | SpanKind::Internal => Kind::Internal,
        SpanKind::Server => Kind::Server,
        SpanKind::Client => Kind::Client,
        SpanKind::Producer => Kind::Producer,
        SpanKind::Consumer => Kind::Consumer,
    }
}

fn status(code: StatusCode) -> Status {
    match code {
        StatusCode::Unset => Status::Unset,
        StatusCode::Ok => Status::Ok,
        StatusCode::Error => Status::Error,
    }
}
