//! Encoding of the items of a batch as OTLP/protobuf: requests that are not larger than a limit.
//!
//! The messages of spans and of log records have the same fields: a request has a resource, and a
//! resource has its schema, its scopes and their items.

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;

use super::{
    protobuf::{Message, Writer},
    strings::Strings,
};

/// Bytes of string values that an item too large for one request keeps of each string, tried in this order.
const SHORTER: [usize; 4] = [65_536, 8_192, 1_024, 64];

/// Encodes export requests that are not larger than a limit.
#[derive(Clone, Debug)]
pub(crate) struct BatchEncoder {
    /// The fields `resource` and `schema_url` of `ResourceSpans` or `ResourceLogs`.
    resource: Vec<u8>,
    max_request_bytes: usize,
}

/// A request to export items.
#[derive(Debug, PartialEq)]
pub(crate) struct EncodedRequest {
    pub(crate) bytes: Vec<u8>,
    /// Indices of the encoded items.
    pub(crate) items: Vec<usize>,
    /// Number of items whose strings were truncated so that they fit.
    pub(crate) truncated: u64,
}

/// The requests that a batch becomes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct EncodedBatch {
    pub(crate) requests: Vec<EncodedRequest>,
    /// Number of items that do not fit into a request, even with short strings.
    pub(crate) oversized: u64,
}

/// A span or log record that can be encoded.
pub(crate) trait EncodeItem {
    type Scope: EncodeScope + ?Sized;

    fn scope(&self) -> Option<&Self::Scope>;

    fn encode(&self, writer: &mut Writer, max_string: usize);
}

/// An instrumentation scope that can be encoded.
pub(crate) trait EncodeScope: PartialEq {
    /// Writes the fields of `InstrumentationScope`.
    fn encode(&self, strings: &mut Strings<'_>);

    fn schema_url(&self) -> &str {
        ""
    }
}

impl EncodeScope for InstrumentationScope {
    fn encode(&self, strings: &mut Strings<'_>) {
        strings.writer.text(1, self.name());
        strings.writer.text(2, self.version().unwrap_or_default());
        for attribute in self.attributes() {
            strings.attribute(3, attribute.key.as_str(), (&attribute.value).into());
        }
    }

    fn schema_url(&self) -> &str {
        Self::schema_url(self).unwrap_or_default()
    }
}

impl<I: EncodeItem> EncodeItem for &I {
    type Scope = I::Scope;

    fn scope(&self) -> Option<&I::Scope> {
        (**self).scope()
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        (**self).encode(writer, max_string);
    }
}

impl<I: EncodeItem> EncodeItem for Box<I> {
    type Scope = I::Scope;

    fn scope(&self) -> Option<&I::Scope> {
        (**self).scope()
    }

    fn encode(&self, writer: &mut Writer, max_string: usize) {
        (**self).encode(writer, max_string);
    }
}

impl BatchEncoder {
    /// Encodes items of this resource.
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

    /// Returns an encoder for requests of at most this size.
    pub(crate) fn with_max_request_bytes(&self, bytes: usize) -> Self {
        Self { max_request_bytes: bytes, ..self.clone() }
    }

    /// Encodes `items`, grouped by their scope, into as many requests as the limit requires. A
    /// request of several items is not larger than `preferred_bytes`.
    pub(crate) fn encode<I: EncodeItem>(
        &self,
        items: &[I],
        preferred_bytes: usize,
    ) -> EncodedBatch {
        let mut scopes: Vec<Option<&I::Scope>> = Vec::new();
        let limits = Limits { single: self.max_request_bytes, several: preferred_bytes };
        let request = Request::new(self, limits);
        let mut encoding =
            Encoding { encoder: self, limits, batch: EncodedBatch::default(), request };
        for item in items {
            let scope = item.scope();
            if scopes.iter().any(|known| is_same(*known, scope)) {
                continue;
            }
            scopes.push(scope);
            encoding.request.begin_scope(scope);
            let of_scope = items.iter().enumerate();
            let of_scope = of_scope.filter(|(_, item)| is_same(item.scope(), scope));
            of_scope.for_each(|(at, item)| encoding.add(at, item));
        }
        encoding.next_request();
        encoding.batch
    }
}

fn is_same<S: EncodeScope + ?Sized>(one: Option<&S>, other: Option<&S>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => std::ptr::eq(one, other) || one == other,
        (None, None) => true,
        _ => false,
    }
}

/// A batch that is being encoded.
struct Encoding<'a, S: EncodeScope + ?Sized> {
    encoder: &'a BatchEncoder,
    limits: Limits,
    batch: EncodedBatch,
    request: Request<'a, S>,
}

impl<S: EncodeScope + ?Sized> Encoding<'_, S> {
    /// Adds `item` to the request, or to the next one if it does not fit.
    fn add(&mut self, at: usize, item: &impl EncodeItem) {
        if self.request.add(at, item, usize::MAX) {
            return;
        }
        if !self.request.items.is_empty() {
            self.next_request();
            if self.request.add(at, item, usize::MAX) {
                return;
            }
        }
        if SHORTER.into_iter().any(|max| self.request.add(at, item, max)) {
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

/// Bytes of a request with a single item, and of one with several.
#[derive(Clone, Copy)]
struct Limits {
    single: usize,
    several: usize,
}

/// The items of one scope, where they start, and the number of items before them.
struct ScopeItems {
    message: Message,
    start: usize,
    items_before: usize,
}

/// A request that is being encoded.
struct Request<'a, S: EncodeScope + ?Sized> {
    writer: Writer,
    resource_items: Message,
    scope_items: Option<ScopeItems>,
    scope: Option<&'a S>,
    limits: Limits,
    items: Vec<usize>,
    truncated: u64,
}

impl<'a, S: EncodeScope + ?Sized> Request<'a, S> {
    fn new(encoder: &BatchEncoder, limits: Limits) -> Self {
        let mut writer = Writer::default();
        let resource_items = writer.begin(1);
        writer.raw(&encoder.resource);
        let (items, truncated) = (Vec::new(), 0);
        Self { writer, resource_items, scope_items: None, scope: None, limits, items, truncated }
    }

    /// Starts the items of `scope`.
    fn begin_scope(&mut self, scope: Option<&'a S>) {
        self.end_scope();
        self.scope = scope;
        let start = self.writer.len();
        let message = self.writer.begin(2);
        let mut strings = Strings { writer: &mut self.writer, max: usize::MAX };
        let nested = strings.writer.begin(1);
        if let Some(scope) = scope {
            scope.encode(&mut strings);
        }
        strings.writer.end(nested);
        self.writer.text(3, scope.map_or("", |scope| scope.schema_url()));
        self.scope_items = Some(ScopeItems { message, start, items_before: self.items.len() });
    }

    fn end_scope(&mut self) {
        let Some(ScopeItems { message, start, items_before }) = self.scope_items.take() else {
            return;
        };
        if self.items.len() > items_before {
            self.writer.end(message);
        } else {
            self.writer.truncate(start);
        }
    }

    /// Adds an item with strings of at most `max_string` bytes. Returns false if the request became too large.
    fn add(&mut self, at: usize, item: &impl EncodeItem, max_string: usize) -> bool {
        let before = self.writer.len();
        let message = self.writer.begin(2);
        item.encode(&mut self.writer, max_string);
        self.writer.end(message);
        let Limits { single, several } = self.limits;
        let limit = if self.items.is_empty() { single } else { several.min(single) };
        let fits = self.writer.len() <= limit;
        if fits {
            self.items.push(at);
        } else {
            self.writer.truncate(before);
        }
        fits
    }

    /// Returns the request, if it has any items.
    fn finish(mut self) -> Option<EncodedRequest> {
        self.end_scope();
        self.writer.end(self.resource_items);
        let (items, truncated) = (self.items, self.truncated);
        (!items.is_empty()).then(|| EncodedRequest {
            bytes: self.writer.into_bytes(),
            items,
            truncated,
        })
    }
}
