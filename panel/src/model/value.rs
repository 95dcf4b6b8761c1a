//! Attribute values.

use std::{borrow::Cow, sync::Arc};

/// Value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text, which may be truncated.
    Text(Arc<str>),
    /// Whole number.
    Int(i64),
    /// Floating-point number.
    Double(f64),
    /// Boolean.
    Bool(bool),
    /// Array, map or bytes, in the JSON encoding of OTLP.
    Json(Arc<str>),
}

impl Value {
    /// Returns the value as text, as searches and pages use it.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Json(text) => Cow::Borrowed(text),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Double(number) => Cow::Owned(number.to_string()),
            Self::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        }
    }

    /// Returns the number, also if it was sent as text.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Bool(_) | Self::Json(_) => None,
        }
    }

    /// Returns the number of bytes that the value holds on the heap.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Json(text) => text.len(),
            Self::Int(_) | Self::Double(_) | Self::Bool(_) => 0,
        }
    }
}

/// Attributes in the order received.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Box<[(Arc<str>, Value)]>);

impl Attributes {
    /// Returns the first value of this key.
    pub fn find(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| &**known == key).map(|(_, value)| value)
    }

    /// Returns the first value of this key as text.
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.find(key).map(Value::text)
    }

    /// Iterates over keys and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Returns the number of attributes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no attributes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the estimated memory of keys and values, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let values: usize = self.0.iter().map(|(_, value)| value.heap_bytes()).sum();
        values + size_of_val(&*self.0)
    }
}

impl FromIterator<(Arc<str>, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}
