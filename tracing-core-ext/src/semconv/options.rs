use std::{borrow::Cow, fmt};

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::names;
use crate::{
    http::{CapturedHeaders, RequestHead, RequestView, ResponseView, TrustedProxies},
    propagation::Headers,
};

/// A closure that names a span, or leaves that to the conventions.
pub(crate) type SpanNameFn = dyn Fn(&RequestView<'_>) -> Option<Cow<'static, str>> + Send + Sync;

/// A closure that adds attributes for a request.
pub(crate) type RequestAttributesFn = dyn Fn(&RequestView<'_>, &mut Vec<KeyValue>) + Send + Sync;

/// A closure that adds attributes for a response.
pub(crate) type ResponseAttributesFn = dyn Fn(&ResponseView<'_>, &mut Vec<KeyValue>) + Send + Sync;

/// What of a message is recorded besides what the conventions ask for, and how.
#[derive(Default)]
pub(crate) struct AttributeOptions {
    pub(crate) request_headers: CapturedHeaders,
    pub(crate) response_headers: CapturedHeaders,
    pub(crate) proxies: Option<TrustedProxies>,
    pub(crate) redacted_keys: Vec<Box<str>>,
    /// Longest value of a string, in characters.
    pub(crate) value_limit: Option<usize>,
    pub(crate) span_name_fn: Option<Box<SpanNameFn>>,
    pub(crate) request_attributes_fn: Option<Box<RequestAttributesFn>>,
    pub(crate) response_attributes_fn: Option<Box<ResponseAttributesFn>>,
}

impl AttributeOptions {
    /// Runs `describe`, and cuts what it adds to the limit.
    #[inline(always)]
    pub(crate) fn with_limit<R>(
        &self,
        attributes: &mut Vec<KeyValue>,
        describe: impl FnOnce(&mut Vec<KeyValue>) -> R,
    ) -> R {
        let first = attributes.len();
        let described = describe(attributes);
        if let Some(limit) = self.value_limit {
            attributes[first..]
                .iter_mut()
                .for_each(|attribute| truncate(&mut attribute.value, limit));
        }
        described
    }

    /// An attribute whose value is no longer than the limit.
    #[inline]
    pub(crate) fn attribute(&self, key: &'static str, value: impl Into<Value>) -> KeyValue {
        let mut attribute = KeyValue::new(key, value);
        if let Some(limit) = self.value_limit {
            truncate(&mut attribute.value, limit);
        }
        attribute
    }

    /// `text`, no longer than the limit.
    #[inline]
    pub(crate) fn truncated<'a>(&self, text: &'a str) -> &'a str {
        self.value_limit
            .and_then(|limit| char_boundary(text, limit))
            .map_or(text, |end| &text[..end])
    }

    /// What is recorded of a request besides what the conventions ask for.
    pub(crate) fn push_request(&self, head: &impl RequestHead, attributes: &mut Vec<KeyValue>) {
        self.request_headers.push(names::HTTP_REQUEST_HEADER, head.headers(), attributes);
        if let Some(request_attributes_fn) = &self.request_attributes_fn {
            request_attributes_fn(&RequestView::new(head), attributes);
        }
    }

    /// Whether anything but the status of a response is recorded.
    pub(crate) fn describes_responses(&self) -> bool {
        self.response_attributes_fn.is_some() || !self.response_headers.is_empty()
    }

    /// What is recorded of a response besides what the conventions ask for.
    pub(crate) fn describe_response(&self, status: u16, headers: &impl Headers) -> Vec<KeyValue> {
        let mut attributes = Vec::new();
        self.with_limit(&mut attributes, |attributes| {
            self.response_headers.push(names::HTTP_RESPONSE_HEADER, headers, attributes);
            if let Some(response_attributes_fn) = &self.response_attributes_fn {
                response_attributes_fn(&ResponseView::new(status, headers), attributes);
            }
        });
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

/// OpenTelemetry specification, "Attribute limits": a string is cut, as is each string of an array.
pub(crate) fn truncate(value: &mut Value, limit: usize) {
    match value {
        Value::String(text) => truncate_text(text, limit),
        Value::Array(Array::String(texts)) => {
            texts.iter_mut().for_each(|text| truncate_text(text, limit));
        }
        _ => {}
    }
}

fn truncate_text(text: &mut StringValue, limit: usize) {
    if let Some(end) = char_boundary(text.as_str(), limit) {
        *text = text.as_str()[..end].to_owned().into();
    }
}

/// Where `text` is to be cut, if it is too long.
fn char_boundary(text: &str, limit: usize) -> Option<usize> {
    text.char_indices().nth(limit).map(|(end, _)| end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_to(limit: usize, value: impl Into<Value>) -> Value {
        let mut value = value.into();
        truncate(&mut value, limit);
        value
    }

    #[test]
    fn a_string_is_cut_between_characters() {
        assert_eq!(cut_to(3, "añb"), Value::from("añb"));
        assert_eq!(cut_to(2, "añb"), Value::from("añ"));
        assert_eq!(cut_to(0, "añb"), Value::from(""));
    }

    #[test]
    fn each_string_of_an_array_is_cut() {
        let array =
            |texts: [&'static str; 2]| Value::Array(Array::String(texts.map(Into::into).to_vec()));
        assert_eq!(cut_to(1, array(["ab", "c"])), array(["a", "c"]));
    }

    #[test]
    fn what_is_no_string_is_left_alone() {
        assert_eq!(cut_to(0, 1234), Value::from(1234));
    }
}
