use opentelemetry::{Array, Key, KeyValue, Value};
use serde::{Serialize, Serializer, ser::SerializeMap};

pub(super) fn attributes<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> Attributes<'a> {
    Attributes(attributes.into_iter().map(|attribute| (&attribute.key, &attribute.value)).collect())
}

/// Attributes as a JSON object. If a key occurs several times, its last value is written.
pub(super) struct Attributes<'a>(pub(super) Vec<(&'a Key, &'a Value)>);

impl Attributes<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (at, (key, value)) in self.0.iter().enumerate() {
            if self.0[at + 1..].iter().all(|(later, _)| later != key) {
                map.serialize_entry(key.as_str(), &Json(value))?;
            }
        }
        map.end()
    }
}

struct Json<'a>(&'a Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I64(value) => serializer.serialize_i64(*value),
            Value::F64(value) => Float(*value).serialize(serializer),
            Value::String(value) => serializer.serialize_str(value.as_str()),
            Value::Array(Array::Bool(values)) => serializer.collect_seq(values),
            Value::Array(Array::I64(values)) => serializer.collect_seq(values),
            Value::Array(Array::F64(values)) => {
                serializer.collect_seq(values.iter().map(|value| Float(*value)))
            }
            Value::Array(Array::String(values)) => {
                serializer.collect_seq(values.iter().map(|value| value.as_str()))
            }
            other => serializer.collect_str(other),
        }
    }
}

/// A number in ProtoJSON: a number that is not finite is a string, because JSON cannot express it.
pub(super) struct Float(pub(super) f64);

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_finite() => serializer.serialize_f64(value),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value if value > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ResourceMember<'a> {
    pub(super) attributes: Attributes<'a>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) fn is_zero(count: &u32) -> bool {
    *count == 0
}
