//! Truncation of strings to a number of characters.
//!
//! OpenTelemetry specification, "Attribute limits": a string value is truncated, as is each string of an array.

use opentelemetry::{Array, StringValue, Value};

/// Returns the first `limit` characters of `text`.
pub(crate) fn text(text: &str, limit: usize) -> &str {
    boundary(text, limit).map_or(text, |end| &text[..end])
}

/// Truncates each string of `value`.
pub(crate) fn value(value: &mut Value, limit: usize) {
    match value {
        Value::String(text) => string_value(text, limit),
        Value::Array(Array::String(texts)) => {
            texts.iter_mut().for_each(|text| string_value(text, limit));
        }
        _ => {}
    }
}

/// Truncates each string of a list of attributes.
pub(crate) fn attributes(attributes: &mut [opentelemetry::KeyValue], limit: usize) {
    attributes.iter_mut().for_each(|attribute| value(&mut attribute.value, limit));
}

/// Truncates a string.
pub(crate) fn string_value(text: &mut StringValue, limit: usize) {
    if let Some(end) = boundary(text.as_str(), limit) {
        *text = text.as_str()[..end].to_owned().into();
    }
}

/// Returns the byte index after the first `limit` characters, if there are more.
fn boundary(text: &str, limit: usize) -> Option<usize> {
    if text.len() <= limit {
        return None;
    }
    text.char_indices().nth(limit).map(|(end, _)| end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truncated(limit: usize, value: impl Into<Value>) -> Value {
        let mut value = value.into();
        super::value(&mut value, limit);
        value
    }

    #[test]
    fn a_string_is_truncated_between_characters() {
        assert_eq!(truncated(3, "añb"), Value::from("añb"));
        assert_eq!(truncated(2, "añb"), Value::from("añ"));
        assert_eq!(truncated(0, "añb"), Value::from(""));
    }

    #[test]
    fn each_string_of_an_array_is_truncated() {
        let array =
            |texts: [&'static str; 2]| Value::Array(Array::String(texts.map(Into::into).to_vec()));
        assert_eq!(truncated(1, array(["ab", "c"])), array(["a", "c"]));
    }

    #[test]
    fn a_number_is_unchanged() {
        assert_eq!(truncated(0, 1234), Value::from(1234));
    }
}
