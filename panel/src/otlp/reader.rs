//! Conversion of attributes, with limits.

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value as Proto},
    resource::v1::Resource as ProtoResource,
};
use serde_json::json;

use crate::model::{Attributes, Interner, Resource, Scope, Value, truncate};

/// Maximum length of a stored text, in bytes.
const LONGEST_TEXT: usize = 32 << 10;
/// Maximum length of a name or key, in bytes.
const LONGEST_NAME: usize = 1 << 10;
/// Maximum number of attributes, events or links of a list.
pub(super) const MOST_ENTRIES: usize = 512;

/// Converter of text and attributes, which counts truncated values.
pub(super) struct Reader<'a> {
    interner: &'a mut Interner,
    pub(super) truncated: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(interner: &'a mut Interner) -> Self {
        Self { interner, truncated: 0 }
    }

    pub(super) fn name(&mut self, name: &str) -> Arc<str> {
        let name = self.truncate(name, LONGEST_NAME);
        self.interner.intern(name)
    }

    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        let text = self.truncate(text, LONGEST_TEXT);
        self.interner.intern(text)
    }

    pub(super) fn boxed(&mut self, text: &str) -> Box<str> {
        self.truncate(text, LONGEST_TEXT).into()
    }

    fn truncate<'t>(&mut self, text: &'t str, longest: usize) -> &'t str {
        if text.len() <= longest {
            return text;
        }
        self.truncated += 1;
        truncate(text, longest)
    }

    /// Truncates a list to the maximum number of entries. Returns it with the number of dropped
    /// entries.
    pub(super) fn limit<T>(&mut self, mut entries: Vec<T>, dropped: u32) -> (Vec<T>, u32) {
        let excess = entries.len().saturating_sub(MOST_ENTRIES);
        self.truncated += usize::from(excess > 0);
        entries.truncate(MOST_ENTRIES);
        (entries, dropped.saturating_add(u32::try_from(excess).unwrap_or(u32::MAX)))
    }

    /// Returns the attributes and the number of dropped ones.
    pub(super) fn attributes(&mut self, list: Vec<KeyValue>, dropped: u32) -> (Attributes, u32) {
        let (list, dropped) = self.limit(list, dropped);
        let attributes = list.into_iter().filter_map(|attribute| {
            let value = self.value(attribute.value?)?;
            Some((self.name(&attribute.key), value))
        });
        (attributes.collect(), dropped)
    }

    pub(super) fn value(&mut self, value: AnyValue) -> Option<Value> {
        Some(match value.value? {
            Proto::StringValue(text) => Value::Text(self.text(&text)),
            Proto::BoolValue(truth) => Value::Bool(truth),
            Proto::IntValue(number) => Value::Int(number),
            Proto::DoubleValue(number) => Value::Double(number),
            Proto::StringValueStrindex(_) => return None,
            nested => Value::Json(self.text(&json(&nested).to_string())),
        })
    }

    pub(super) fn resource(
        &mut self,
        resource: Option<ProtoResource>,
        schema: &str,
    ) -> Arc<Resource> {
        let resource = resource.unwrap_or_default();
        let (attributes, _) = self.attributes(resource.attributes, 0);
        let service = attributes.text("service.name").filter(|name| !name.is_empty());
        let service = self.name(service.as_deref().unwrap_or("unknown_service"));
        Arc::new(Resource { service, attributes, schema_url: self.boxed(schema) })
    }

    pub(super) fn scope(
        &mut self,
        scope: Option<InstrumentationScope>,
        schema: &str,
    ) -> Arc<Scope> {
        let scope = scope.unwrap_or_default();
        let (attributes, _) = self.attributes(scope.attributes, 0);
        let (name, version) = (self.boxed(&scope.name), self.boxed(&scope.version));
        Arc::new(Scope { name, version, attributes, schema_url: self.boxed(schema) })
    }
}

/// Converts nested values to plain JSON. Bytes become a list of numbers.
fn json(value: &Proto) -> serde_json::Value {
    let nested = |value: &Option<AnyValue>| {
        value.as_ref().and_then(|value| value.value.as_ref()).map_or(json!(null), json)
    };
    match value {
        Proto::StringValue(text) => json!(text),
        Proto::BoolValue(truth) => json!(truth),
        Proto::IntValue(number) => json!(number),
        Proto::DoubleValue(number) => json!(number),
        Proto::ArrayValue(array) => {
            array.values.iter().map(|value| nested(&Some(value.clone()))).collect()
        }
        Proto::KvlistValue(list) => serde_json::Value::Object(
            list.values.iter().map(|entry| (entry.key.clone(), nested(&entry.value))).collect(),
        ),
        Proto::BytesValue(bytes) => json!(bytes),
        Proto::StringValueStrindex(_) => json!(null),
    }
}
