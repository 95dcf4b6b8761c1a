use opentelemetry::{KeyValue, Value};

/// A request in attributes, handed over one by one so that whoever wants none pays for none.
pub(crate) trait Describe {
    /// What a sampler may decide by.
    fn before_sampling(&self, add: &mut dyn FnMut(KeyValue));

    /// What is worth making only for a span that is recorded.
    fn when_recorded(&self, _add: &mut dyn FnMut(KeyValue)) {}
}

/// Hands over `key` with `value`.
pub(super) fn put(add: &mut dyn FnMut(KeyValue), key: &'static str, value: impl Into<Value>) {
    add(KeyValue::new(key, value));
}
