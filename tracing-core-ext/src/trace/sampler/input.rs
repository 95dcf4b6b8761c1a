//! Values that a sampler of this crate reads.

use std::cell::OnceCell;

use opentelemetry::{Array, KeyValue, TraceId, Value, trace::SpanKind};

use crate::{
    propagation::extracted::ParentSampling,
    semconv::{EarlyKey, EarlyValue, FactValue, Facts, SpanAttributes, names},
    trace::parent::ParentState,
};

/// A span that is about to start.
pub(crate) struct SamplingInput<'a> {
    pub(crate) parent: Option<ParentSampling>,
    pub(crate) parent_state: &'a dyn ParentState,
    pub(crate) trace_id: TraceId,
    /// Whether trace IDs of this provider are random.
    pub(crate) has_random_ids: bool,
    /// Returns random bits for a new trace without a random ID.
    pub(crate) new_randomness: &'a dyn Fn() -> u64,
    pub(crate) kind: &'a SpanKind,
    pub(crate) attributes: &'a dyn AttributeView,
}

/// Key of an attribute in a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AttributeKey {
    /// Key that is known before the span is described.
    Early(EarlyKey),
    Other(Box<str>),
}

/// Result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    Yes,
    No,
    /// The route is not known before the response.
    Late,
}

/// Attributes of a span.
pub(crate) trait AttributeView {
    /// Whether the text of the attribute passes `test`, or any item of it, if it is an array.
    fn compare(&self, key: &AttributeKey, test: &mut dyn FnMut(&str) -> bool) -> Matching;
}

impl AttributeKey {
    pub(crate) fn new(key: &str) -> Self {
        match key {
            names::HTTP_REQUEST_METHOD => Self::Early(EarlyKey::Method),
            names::URL_PATH => Self::Early(EarlyKey::Path),
            names::HTTP_ROUTE => Self::Early(EarlyKey::Route),
            key => Self::Other(key.into()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Early(EarlyKey::Method) => names::HTTP_REQUEST_METHOD,
            Self::Early(EarlyKey::Path) => names::URL_PATH,
            Self::Early(EarlyKey::Route) => names::HTTP_ROUTE,
            Self::Other(key) => key,
        }
    }
}

impl From<bool> for Matching {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}

/// Attributes of the span of an exchange. They are described only if a rule reads one that is not known otherwise.
pub(crate) struct ExchangeAttributes<'a> {
    attributes: &'a dyn SpanAttributes,
    facts: OnceCell<Facts>,
}

impl<'a> ExchangeAttributes<'a> {
    pub(crate) const fn new(attributes: &'a dyn SpanAttributes) -> Self {
        Self { attributes, facts: OnceCell::new() }
    }

    fn described(&self) -> &Facts {
        self.facts.get_or_init(|| {
            let mut facts = Facts::default();
            self.attributes.describe_for_sampler(&mut facts);
            facts
        })
    }
}

impl AttributeView for ExchangeAttributes<'_> {
    fn compare(&self, key: &AttributeKey, test: &mut dyn FnMut(&str) -> bool) -> Matching {
        if let AttributeKey::Early(key) = key {
            match self.attributes.early(*key) {
                EarlyValue::Known(value) => return test(&value).into(),
                EarlyValue::Absent => return Matching::No,
                EarlyValue::Late => return Matching::Late,
                EarlyValue::Undescribed => {}
            }
        }
        self.described().compare(key, test)
    }
}

impl AttributeView for Facts {
    fn compare(&self, key: &AttributeKey, test: &mut dyn FnMut(&str) -> bool) -> Matching {
        let mut matches = false;
        self.for_each(|name, value| {
            matches = matches || (name == key.as_str() && compare_fact(value, test));
        });
        matches.into()
    }
}

impl AttributeView for &[KeyValue] {
    fn compare(&self, key: &AttributeKey, test: &mut dyn FnMut(&str) -> bool) -> Matching {
        // Of several attributes with one key the last one is exported.
        let found = self.iter().rfind(|attribute| attribute.key.as_str() == key.as_str());
        found.is_some_and(|attribute| compare_value(&attribute.value, test)).into()
    }
}

fn compare_fact(value: FactValue<'_>, test: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        FactValue::Str(text) => test(text),
        FactValue::Address(address) => test(address.as_str()),
        FactValue::Int(number) => test(&number.to_string()),
        FactValue::Value(value) => compare_value(value, test),
    }
}

/// "Non-string attributes are matched using their string representation"; "for array attributes, if any item matches,
/// it is considered a match": OpenTelemetry configuration schema, rule-based sampler.
fn compare_value(value: &Value, test: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::Array(Array::Bool(items)) => items.iter().any(|item| test(&item.to_string())),
        Value::Array(Array::I64(items)) => items.iter().any(|item| test(&item.to_string())),
        Value::Array(Array::F64(items)) => items.iter().any(|item| test(&item.to_string())),
        Value::Array(Array::String(items)) => items.iter().any(|item| test(item.as_str())),
        value => test(&value.as_str()),
    }
}
