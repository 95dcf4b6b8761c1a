//! Header fields from lines of text, so that a corpus can be read.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Returns the fields of an input: each line is a digit, which selects a name, and a value. A value
/// that no header can have is omitted.
pub fn fields(data: &[u8], names: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Some((digit, value)) = line.split_first() else { continue };
        let name = names[usize::from(digit.wrapping_sub(b'0')) % names.len()];
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// Returns the values of a field.
pub fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
}

/// Returns the only value of a field as text.
pub fn only(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = values(headers, name);
    assert!(values.len() <= 1, "{name} is sent twice: {headers:?}");
    values.first().map(|value| String::from_utf8(value.to_vec()).expect("a text"))
}
