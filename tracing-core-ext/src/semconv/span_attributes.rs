use std::borrow::Cow;

use opentelemetry::{KeyValue, Value};

/// A request as the name and the attributes of its span, added to a list so that whoever wants none pays for none.
pub(crate) trait SpanAttributes {
    /// What a sampler may decide by; answers the name.
    fn sampling_attributes(&self, attributes: &mut Vec<KeyValue>) -> Cow<'static, str>;

    /// What is worth making only for a span that is recorded.
    fn recorded_attributes(&self, _attributes: &mut Vec<KeyValue>) {}
}

/// Adds `key` with `value`.
pub(crate) fn push(attributes: &mut Vec<KeyValue>, key: &'static str, value: impl Into<Value>) {
    attributes.push(KeyValue::new(key, value));
}
