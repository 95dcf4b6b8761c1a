//! Options that most services do not set. A request is checked for all of them at once.

use std::sync::Arc;

use opentelemetry::{
    Context, Key, KeyValue, StringValue, baggage::BaggageExt, trace::TraceContextExt,
};

use crate::{
    bridge::request_attributes::{LogKeys, RequestAttributes},
    exchange::request_log::{LogWriter, RequestLog},
    http::{RequestHead, RequestId, X_REQUEST_ID},
    propagation::{Headers, HeadersMut},
    semconv::{names, options::AttributeOptions},
};

/// Source of the ID of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestIdPolicy {
    /// The field `x-request-id` of the request, if it is the only one and [valid](RequestId::parse), or else a new ID.
    #[default]
    Accept,
    /// Always a new ID. Use it at public edges: a caller then cannot choose the ID.
    Generate,
}

impl RequestIdPolicy {
    fn id_of(self, head: &impl RequestHead) -> RequestId {
        let mut values = head.headers().values(&X_REQUEST_ID);
        let only = values.next().filter(|_| values.next().is_none() && self == Self::Accept);
        only.and_then(RequestId::parse).unwrap_or_else(RequestId::random)
    }
}

/// Options as set in the builder.
#[derive(Debug, Default)]
pub(crate) struct ExtraOptions {
    pub(crate) request_log: Option<RequestLog>,
    pub(crate) request_id: Option<RequestIdPolicy>,
    pub(crate) log_attributes: Vec<Key>,
    pub(crate) baggage_attributes: Vec<Key>,
}

/// Options as requests use them.
#[derive(Debug)]
pub(crate) struct Extras {
    pub(crate) request_log: Option<LogWriter>,
    request_id: Option<RequestIdPolicy>,
    keys: Arc<LogKeys>,
    baggage: Vec<Key>,
}

impl ExtraOptions {
    /// Returns the options, or `None` if none is set.
    pub(crate) fn resolve(self) -> Option<Box<Extras>> {
        let Self { request_log, request_id, log_attributes, baggage_attributes } = self;
        let request_log_keys = request_log.as_ref().map(|log| log.attributes.clone());
        let keys =
            LogKeys { lines: log_attributes, request_log: request_log_keys.unwrap_or_default() };
        let is_set = request_log.is_some() || request_id.is_some();
        if !is_set && keys.is_empty() && baggage_attributes.is_empty() {
            return None;
        }
        let request_log = request_log.map(|log| LogWriter::new(log, &keys));
        let keys = Arc::new(keys);
        Some(Box::new(Extras { request_log, request_id, keys, baggage: baggage_attributes }))
    }
}

impl Extras {
    /// Returns `parent` with the attributes of a request that starts in it: its ID, and the selected baggage.
    pub(crate) fn context(
        &self,
        parent: Context,
        head: &impl RequestHead,
        options: &AttributeOptions,
    ) -> Context {
        let request_id = self.request_id.map(|policy| policy.id_of(head));
        if request_id.is_none() && self.keys.is_empty() {
            return parent;
        }
        let attributes = RequestAttributes::new(&self.keys, request_id);
        self.baggage_of(&parent, options).for_each(|attribute| attributes.set(&attribute));
        parent.with_value(attributes)
    }

    /// Adds the ID and the selected baggage to the span of `context`.
    pub(crate) fn describe(&self, context: &Context, options: &AttributeOptions) {
        let span = context.span();
        if !span.is_recording() {
            return;
        }
        let request = context.get::<RequestAttributes>();
        if let Some(id) = request.and_then(RequestAttributes::request_id) {
            span.set_attribute(KeyValue::new(names::REQUEST_ID, id.to_value()));
        }
        span.set_attributes(self.baggage_of(context, options));
    }

    fn baggage_of(
        &self,
        context: &Context,
        options: &AttributeOptions,
    ) -> impl Iterator<Item = KeyValue> {
        self.baggage.iter().filter_map(|key| {
            let value = context.baggage().get(key.as_str())?;
            let value = StringValue::from(options.truncated(value.as_str()).to_owned());
            Some(KeyValue::new(key.clone(), value))
        })
    }

    /// Writes the ID of the request of `context` into the headers of its response, or of another request.
    pub(crate) fn inject_request_id<H: HeadersMut>(context: &Context, headers: &mut H) {
        if let Some(id) = context.get().and_then(RequestAttributes::request_id) {
            headers.set(&X_REQUEST_ID, id.as_str().as_bytes());
        }
    }
}
