use std::borrow::Cow;

use opentelemetry::{KeyValue, Value};

/// A request as the name and the attributes of its span, handed over one by one so that whoever wants none pays for
/// none.
pub(crate) trait Describe {
    /// What a sampler may decide by; answers the name.
    fn before_sampling(&self, add: &mut dyn FnMut(KeyValue)) -> Cow<'static, str>;

    /// What is worth making only for a span that is recorded.
    fn when_recorded(&self, _add: &mut dyn FnMut(KeyValue)) {}
}

/// Hands over `key` with `value`.
pub(super) fn put(add: &mut dyn FnMut(KeyValue), key: &'static str, value: impl Into<Value>) {
    add(KeyValue::new(key, value));
}
