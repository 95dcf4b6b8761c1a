//! An open or ended span in the form in which the request's thread records it.

pub(crate) mod pool;

use std::{borrow::Cow, fmt, mem, sync::Arc, time::SystemTime};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId,
    trace::{Event, Link, SpanContext, SpanKind, Status},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLimits, SpanLinks};

use crate::{
    base::text::truncate,
    logs::{ExceptionLog, ExceptionProtocol, ExceptionSpan, LogRecord, Logger},
    propagation::extracted::ParentRef,
    semconv::{Facts, names, value_bytes},
};

/// All exported data of one span. Records are pooled, so that a span does not allocate.
#[derive(Clone, Debug)]
pub(crate) struct SpanRecord {
    pub(crate) identity: SpanContext,
    pub(crate) parent: ParentRef,
    pub(crate) kind: SpanKind,
    pub(crate) name: Cow<'static, str>,
    pub(crate) start_time: SystemTime,
    pub(crate) end_time: SystemTime,
    pub(crate) facts: Facts,
    pub(crate) status: Status,
    /// Events and links. They are boxed because few spans have any.
    pub(crate) extended: Option<Box<ExtendedFields>>,
    pub(super) owner: Option<Arc<dyn RecordOwner>>,
}

/// Tracer that has started a span.
pub(super) trait RecordOwner: fmt::Debug + Send + Sync {
    fn scope(&self) -> &Arc<InstrumentationScope>;

    fn limits(&self) -> SpanLimits;

    /// Returns the log to which the exceptions of spans are emitted, if they are log records.
    fn exceptions(&self) -> Option<&ExceptionLog>;

    /// Emits a log record of a span.
    fn emit(&self, logger: &Logger, record: LogRecord);

    /// Receives the record of the ended span.
    fn on_end(&self, record: Box<SpanRecord>);
}

/// Events and links.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExtendedFields {
    pub(crate) events: SpanEvents,
    pub(crate) links: SpanLinks,
    bytes: usize,
}

/// Approximate memory of a record without its attributes, in bytes.
const RECORD_BYTES: usize = size_of::<SpanRecord>();
/// Approximate memory of an event or a link without its attributes, in bytes.
const ENTRY_BYTES: usize = 128;

impl Default for SpanRecord {
    fn default() -> Self {
        Self {
            identity: SpanContext::NONE,
            parent: ParentRef { span_id: SpanId::INVALID, is_remote: false },
            kind: SpanKind::Internal,
            name: Cow::Borrowed(""),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            facts: Facts::default(),
            status: Status::Unset,
            extended: None,
            owner: None,
        }
    }
}

impl SpanRecord {
    /// Returns the instrumentation scope of the tracer that started the span.
    pub(crate) fn scope(&self) -> Option<&Arc<InstrumentationScope>> {
        self.owner.as_ref().map(|owner| owner.scope())
    }

    /// Returns the approximate memory of the record, in bytes.
    #[inline]
    pub(crate) fn size_bytes(&self) -> usize {
        let extended = self.extended.as_ref().map_or(0, |extended| extended.bytes);
        RECORD_BYTES + self.name.len() + self.facts.size_bytes() + extended
    }

    fn extended(&mut self) -> &mut ExtendedFields {
        self.extended.get_or_insert_default()
    }

    /// Adds an event within the limits of the provider.
    pub(super) fn add_event(
        &mut self,
        name: Cow<'static, str>,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        let Some(owner) = self.owner.as_ref() else { return };
        if let Some(exceptions) = owner.exceptions().filter(|_| name == names::EXCEPTION) {
            let kind = &self.kind;
            let (identity, scope, protocol) = (&self.identity, owner.scope(), self.protocol());
            let span = ExceptionSpan { identity, scope, kind, protocol };
            owner.emit(&exceptions.logger, exceptions.record(&span, timestamp, &attributes));
            if !exceptions.has_span_events {
                return;
            }
        }
        let limits = owner.limits();
        let extended = self.extended();
        let events = &mut extended.events;
        if events.events.len() >= limits.max_events_per_span as usize {
            events.dropped_count += 1;
            return;
        }
        let (attributes, dropped) = self.limited(attributes, limits.max_attributes_per_event);
        let extended = self.extended();
        extended.bytes += entry_bytes(&attributes);
        extended.events.events.push(Event::new(name, timestamp, attributes, dropped));
    }

    /// Returns the protocol of the operation, by its attributes.
    #[cold]
    fn protocol(&self) -> ExceptionProtocol {
        let mut protocol = ExceptionProtocol::Other;
        self.facts.for_each(|key, _| match key {
            names::RPC_SYSTEM_NAME => protocol = ExceptionProtocol::Rpc,
            names::HTTP_REQUEST_METHOD if protocol == ExceptionProtocol::Other => {
                protocol = ExceptionProtocol::Http;
            }
            _ => {}
        });
        protocol
    }

    /// Adds a link within the limits of the provider.
    pub(super) fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        let Some(limits) = self.owner.as_ref().map(|owner| owner.limits()) else { return };
        let extended = self.extended();
        let links = &mut extended.links;
        if links.links.len() >= limits.max_links_per_span as usize {
            links.dropped_count += 1;
            return;
        }
        let (attributes, dropped) = self.limited(attributes, limits.max_attributes_per_link);
        let extended = self.extended();
        extended.bytes += entry_bytes(&attributes);
        extended.links.links.push(Link::new(span_context, attributes, dropped));
    }

    /// Returns the first `limit` attributes, truncated, and the number of dropped attributes.
    fn limited(&self, mut attributes: Vec<KeyValue>, limit: u32) -> (Vec<KeyValue>, u32) {
        let dropped = attributes.len().saturating_sub(limit as usize);
        attributes.truncate(limit as usize);
        if let Some(length) = self.facts.value_length_limit() {
            attributes.iter_mut().for_each(|it| truncate::value(&mut it.value, length));
        }
        (attributes, u32::try_from(dropped).unwrap_or(u32::MAX))
    }

    /// Takes the span out in the form that exporters and processors of the SDK receive.
    pub(crate) fn take_span_data(&mut self) -> SpanData {
        let dropped_attributes_count = self.facts.dropped();
        let extended = self.extended.take().map(|extended| *extended).unwrap_or_default();
        let scope = self.scope().map_or_else(Default::default, |scope| (**scope).clone());
        SpanData {
            span_context: mem::replace(&mut self.identity, SpanContext::NONE),
            parent_span_id: self.parent.span_id,
            parent_span_is_remote: self.parent.is_remote,
            span_kind: self.kind.clone(),
            name: mem::take(&mut self.name),
            start_time: self.start_time,
            end_time: self.end_time,
            attributes: self.facts.take_attributes(),
            dropped_attributes_count,
            events: extended.events,
            links: extended.links,
            status: mem::take(&mut self.status),
            instrumentation_scope: scope,
        }
    }

    /// Resets the record for the next span.
    pub(super) fn clear(&mut self) {
        self.identity = SpanContext::NONE;
        self.name = Cow::Borrowed("");
        self.facts.clear();
        self.status = Status::Unset;
        self.extended = None;
        self.owner = None;
    }
}

fn entry_bytes(attributes: &[KeyValue]) -> usize {
    let values: usize = attributes.iter().map(|it| value_bytes(&it.value)).sum();
    ENTRY_BYTES + size_of_val(attributes) + values
}
