//! Encoding of spans as OTLP/protobuf, directly from their records.

mod fields;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::{Resource, trace::SpanData};

use self::fields::{AttributeFields, SpanFields, Strings};
use super::protobuf::{Message, Writer};
use crate::trace::SpanRecord;

/// Bytes of string values that a span too large for one request keeps of each string, tried in this order.
const SHORTER: [usize; 4] = [65_536, 8_192, 1_024, 64];

/// Encodes `ExportTraceServiceRequest` messages that are not larger than a limit.
#[derive(Debug)]
pub(crate) struct TraceEncoder {
    /// The fields `resource` and `schema_url` of `ResourceSpans`.
    resource: Vec<u8>,
    max_request_bytes: usize,
}

/// A request to export spans.
#[derive(Debug, PartialEq)]
pub(crate) struct EncodedRequest {
    pub(crate) bytes: Vec<u8>,
    /// Indices of the encoded spans.
    pub(crate) spans: Vec<usize>,
    /// Number of spans whose strings were truncated so that they fit.
    pub(crate) truncated: u64,
}

/// The requests that a batch becomes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct EncodedBatch {
    pub(crate) requests: Vec<EncodedRequest>,
    /// Number of spans that do not fit into a request, even with short strings.
    pub(crate) oversized: u64,
}

/// A span that can be encoded.
pub(crate) trait EncodeSpan {
    fn scope(&self) -> Option<&InstrumentationScope>;

    fn encode(&self, writer: &mut Writer, max_string: usize);
}

impl EncodeSpan for SpanRecord {
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

impl EncodeSpan for SpanData {
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

impl<S: EncodeSpan> EncodeSpan for &S {
    fn scope(&self) -> Option<&InstrumentationScope> {
        (**self).scope()
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        (**self).encode(writer, max_string);
    }
}

impl<S: EncodeSpan> EncodeSpan for Box<S> {
    fn scope(&self) -> Option<&InstrumentationScope> {
        (**self).scope()
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        (**self).encode(writer, max_string);
    }
}

impl TraceEncoder {
    /// Encodes spans of this resource.
    pub(crate) fn new(resource: &Resource, max_request_bytes: usize) -> Self {
        let mut writer = Writer::default();
        let mut strings = Strings { writer: &mut writer, max: usize::MAX };
        let message = strings.writer.begin(1);
        for (key, value) in resource {
            strings.attribute(1, key.as_str(), value.into());
        }
        strings.writer.end(message);
        strings.writer.text(3, resource.schema_url().unwrap_or_default());
        Self { resource: writer.into_bytes(), max_request_bytes }
    }

    /// Encodes `spans`, grouped by their scope, into as many requests as the limit requires. A
    /// request of several spans is not larger than `preferred_bytes`.
    pub(crate) fn encode<S: EncodeSpan>(
        &self,
        spans: &[S],
        preferred_bytes: usize,
    ) -> EncodedBatch {
        let mut scopes: Vec<Option<&InstrumentationScope>> = Vec::new();
        let limits = Limits { single: self.max_request_bytes, several: preferred_bytes };
        let request = Request::new(self, limits);
        let mut encoding =
            Encoding { encoder: self, limits, batch: EncodedBatch::default(), request };
        for span in spans {
            let scope = span.scope();
            if scopes.iter().any(|known| is_same(*known, scope)) {
                continue;
            }
            scopes.push(scope);
            encoding.request.begin_scope(scope);
            let of_scope = spans.iter().enumerate();
            let of_scope = of_scope.filter(|(_, span)| is_same(span.scope(), scope));
            of_scope.for_each(|(at, span)| encoding.add(at, span));
        }
        encoding.next_request();
        encoding.batch
    }
}

fn is_same(one: Option<&InstrumentationScope>, other: Option<&InstrumentationScope>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => std::ptr::eq(one, other) || one == other,
        (None, None) => true,
        _ => false,
    }
}

/// A batch that is being encoded.
struct Encoding<'a> {
    encoder: &'a TraceEncoder,
    limits: Limits,
    batch: EncodedBatch,
    request: Request<'a>,
}

impl Encoding<'_> {
    /// Adds `span` to the request, or to the next one if it does not fit.
    fn add(&mut self, at: usize, span: &impl EncodeSpan) {
        if self.request.add(at, span, usize::MAX) {
            return;
        }
        if !self.request.spans.is_empty() {
            self.next_request();
            if self.request.add(at, span, usize::MAX) {
                return;
            }
        }
        if SHORTER.into_iter().any(|max| self.request.add(at, span, max)) {
            self.request.truncated += 1;
        } else {
            self.batch.oversized += 1;
        }
    }

    fn next_request(&mut self) {
        let mut next = Request::new(self.encoder, self.limits);
        next.begin_scope(self.request.scope);
        let request = std::mem::replace(&mut self.request, next);
        self.batch.requests.extend(request.finish());
    }
}

/// Bytes of a request with a single span, and of one with several.
#[derive(Clone, Copy)]
struct Limits {
    single: usize,
    several: usize,
}

/// The spans of one scope, where they start, and the number of spans before them.
struct ScopeSpans {
    message: Message,
    start: usize,
    spans_before: usize,
}

/// A request that is being encoded.
struct Request<'a> {
    writer: Writer,
    resource_spans: Message,
    scope_spans: Option<ScopeSpans>,
    scope: Option<&'a InstrumentationScope>,
    limits: Limits,
    spans: Vec<usize>,
    truncated: u64,
}

impl<'a> Request<'a> {
    fn new(encoder: &TraceEncoder, limits: Limits) -> Self {
        let mut writer = Writer::default();
        let resource_spans = writer.begin(1);
        writer.raw(&encoder.resource);
        let (spans, truncated) = (Vec::new(), 0);
        Self { writer, resource_spans, scope_spans: None, scope: None, limits, spans, truncated }
    }

    /// Starts the spans of `scope`.
    fn begin_scope(&mut self, scope: Option<&'a InstrumentationScope>) {
        self.end_scope();
        self.scope = scope;
        let start = self.writer.len();
        let message = self.writer.begin(2);
        let mut strings = Strings { writer: &mut self.writer, max: usize::MAX };
        let nested = strings.writer.begin(1);
        if let Some(scope) = scope {
            strings.writer.text(1, scope.name());
            strings.writer.text(2, scope.version().unwrap_or_default());
            for attribute in scope.attributes() {
                strings.attribute(3, attribute.key.as_str(), (&attribute.value).into());
            }
        }
        strings.writer.end(nested);
        self.writer.text(3, scope.and_then(InstrumentationScope::schema_url).unwrap_or_default());
        self.scope_spans = Some(ScopeSpans { message, start, spans_before: self.spans.len() });
    }

    fn end_scope(&mut self) {
        let Some(ScopeSpans { message, start, spans_before }) = self.scope_spans.take() else {
            return;
        };
        if self.spans.len() > spans_before {
            self.writer.end(message);
        } else {
            self.writer.truncate(start);
        }
    }

    /// Adds a span with strings of at most `max_string` bytes. Returns false if the request became too large.
    fn add(&mut self, at: usize, span: &impl EncodeSpan, max_string: usize) -> bool {
        let before = self.writer.len();
        let message = self.writer.begin(2);
        span.encode(&mut self.writer, max_string);
        self.writer.end(message);
        let Limits { single, several } = self.limits;
        let limit = if self.spans.is_empty() { single } else { several.min(single) };
        let fits = self.writer.len() <= limit;
        if fits {
            self.spans.push(at);
        } else {
            self.writer.truncate(before);
        }
        fits
    }

    /// The request, if it has any spans.
    fn finish(mut self) -> Option<EncodedRequest> {
        self.end_scope();
        self.writer.end(self.resource_spans);
        let (spans, truncated) = (self.spans, self.truncated);
        (!spans.is_empty()).then(|| EncodedRequest {
            bytes: self.writer.into_bytes(),
            spans,
            truncated,
        })
    }
}

#[cfg(test)]
mod tests;
