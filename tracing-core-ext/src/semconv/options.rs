use std::{borrow::Cow, fmt};

use opentelemetry::{KeyValue, Value};

use super::{facts::Facts, names};
use crate::{
    base::{contain, text::truncate},
    http::{CapturedHeaders, RequestHead, RequestView, ResponseView, Scheme, TrustedProxies},
    propagation::Headers,
};

/// Closure that names a span, or returns `None` for the name of the conventions.
pub(crate) type SpanNameFn = dyn Fn(&RequestView<'_>) -> Option<Cow<'static, str>> + Send + Sync;

/// Closure that adds attributes for a request.
pub(crate) type RequestAttributesFn = dyn Fn(&RequestView<'_>, &mut Vec<KeyValue>) + Send + Sync;

/// Closure that adds attributes for a response.
pub(crate) type ResponseAttributesFn = dyn Fn(&ResponseView<'_>, &mut Vec<KeyValue>) + Send + Sync;

/// Options of the attributes: additions to those of the semantic conventions, and limits.
#[derive(Default)]
pub(crate) struct AttributeOptions {
    pub(crate) request_headers: CapturedHeaders,
    pub(crate) response_headers: CapturedHeaders,
    pub(crate) proxies: Option<TrustedProxies>,
    /// Scheme of the service. It overrides the one that its framework reports.
    pub(crate) scheme: Option<Scheme>,
    pub(crate) redacted_keys: Vec<Box<str>>,
    /// Maximum length of a string value, in characters.
    pub(crate) value_limit: Option<usize>,
    pub(crate) span_name_fn: Option<Box<SpanNameFn>>,
    pub(crate) request_attributes_fns: Vec<Box<RequestAttributesFn>>,
    pub(crate) response_attributes_fns: Vec<Box<ResponseAttributesFn>>,
}

impl AttributeOptions {
    /// Runs `describe`, and truncates the values that it adds.
    #[inline(always)]
    pub(crate) fn with_limit<R>(
        &self,
        facts: &mut Facts,
        describe: impl FnOnce(&mut Facts) -> R,
    ) -> R {
        let Some(limit) = self.value_limit else { return describe(facts) };
        let before = facts.limit_value_length(limit);
        let described = describe(facts);
        facts.set_limits(before);
        described
    }

    /// Creates an attribute whose value is no longer than the limit.
    #[inline]
    pub(crate) fn attribute(&self, key: &'static str, value: impl Into<Value>) -> KeyValue {
        let mut attribute = KeyValue::new(key, value);
        if let Some(limit) = self.value_limit {
            truncate::value(&mut attribute.value, limit);
        }
        attribute
    }

    /// Returns `text`, truncated to the limit.
    #[inline]
    pub(crate) fn truncated<'a>(&self, text: &'a str) -> &'a str {
        self.value_limit.map_or(text, |limit| truncate::text(text, limit))
    }

    /// Adds the attributes of a request that the conventions do not require.
    pub(super) fn push_request(&self, head: &impl RequestHead, facts: &mut Facts) {
        let add = |attribute| facts.attribute(attribute);
        self.request_headers.attributes(names::HTTP_REQUEST_HEADER, head.headers()).for_each(add);
        for request_attributes_fn in &self.request_attributes_fns {
            let mut attributes = Vec::new();
            contain("the option request_attributes", || {
                request_attributes_fn(&RequestView::new(head), &mut attributes);
            });
            attributes.into_iter().for_each(|attribute| facts.attribute(attribute));
        }
    }

    /// Returns the name that the option `span_name` chooses.
    #[inline]
    pub(super) fn chosen_name(&self, head: &impl RequestHead) -> Option<Cow<'static, str>> {
        let span_name_fn = self.span_name_fn.as_ref()?;
        contain("the option span_name", || span_name_fn(&RequestView::new(head)))?
    }

    /// Whether anything but the status of a response is recorded.
    pub(crate) fn describes_responses(&self) -> bool {
        !self.response_attributes_fns.is_empty() || !self.response_headers.is_empty()
    }

    /// Returns the attributes of a response that the conventions do not require.
    pub(crate) fn describe_response(&self, status: u16, headers: &impl Headers) -> Vec<KeyValue> {
        let captured = self.response_headers.attributes(names::HTTP_RESPONSE_HEADER, headers);
        let mut attributes = Vec::from_iter(captured);
        for response_attributes_fn in &self.response_attributes_fns {
            contain("the option response_attributes", || {
                response_attributes_fn(&ResponseView::new(status, headers), &mut attributes);
            });
        }
        if let Some(limit) = self.value_limit {
            attributes.iter_mut().for_each(|it| truncate::value(&mut it.value, limit));
        }
        attributes
    }
}

impl fmt::Debug for AttributeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttributeOptions")
            .field("request_headers", &self.request_headers)
            .field("response_headers", &self.response_headers)
            .field("proxies", &self.proxies)
            .field("redacted_keys", &self.redacted_keys)
            .field("value_limit", &self.value_limit)
            .finish_non_exhaustive()
    }
}
