use http::{HeaderMap, HeaderName, HeaderValue};

/// The header fields of a message, as a propagator reads them.
///
/// Web frameworks bring their own header maps (and their own versions of the `http` crate), so
/// this crate asks for no more than this view of them.
pub trait Headers {
    /// Every value of the field `name`, in the order received.
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]>;

    /// The names of the fields present.
    ///
    /// Only propagators for formats without fixed field names look at these.
    fn names(&self) -> impl Iterator<Item = &str>;
}

impl Headers for HeaderMap {
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).into_iter().map(HeaderValue::as_bytes)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.keys().map(HeaderName::as_str)
    }
}

/// The header fields of a message, as a propagator writes them.
pub trait HeadersMut {
    /// Sets `name` to `value`, replacing every earlier value.
    ///
    /// A value that cannot stand in a header (a line break, say) is not written.
    fn set(&mut self, name: &HeaderName, value: &[u8]);

    /// Removes every value of `name`.
    fn remove(&mut self, name: &HeaderName);
}

impl HeadersMut for HeaderMap {
    fn set(&mut self, name: &HeaderName, value: &[u8]) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.insert(name, value);
        }
    }

    fn remove(&mut self, name: &HeaderName) {
        HeaderMap::remove(self, name);
    }
}

/// Strips the optional whitespace HTTP allows around a field value or a list member.
///
/// ```abnf
/// OWS = *( SP / HTAB )    ; RFC 9110, section 5.6.3
/// ```
pub(super) fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    static NAME: HeaderName = HeaderName::from_static("tracestate");

    #[test]
    fn values_come_in_the_order_received() {
        let mut headers = HeaderMap::new();
        headers.append(&NAME, HeaderValue::from_static("b=1"));
        headers.append("baggage", HeaderValue::from_static("x=1"));
        headers.append(&NAME, HeaderValue::from_static("a=2"));

        assert!(Headers::values(&headers, &NAME).eq([b"b=1", b"a=2"]));
    }

    #[test]
    fn setting_replaces_every_earlier_value() {
        let mut headers = HeaderMap::new();
        headers.append(&NAME, HeaderValue::from_static("b=1"));
        headers.append(&NAME, HeaderValue::from_static("a=2"));
        headers.set(&NAME, b"c=3");

        assert!(Headers::values(&headers, &NAME).eq([b"c=3"]));
    }

    #[test]
    fn a_value_with_a_line_break_is_not_written() {
        let mut headers = HeaderMap::new();
        headers.set(&NAME, b"a=1\r\nx-evil: 1");

        assert!(headers.is_empty());
    }

    #[test]
    fn whitespace_is_trimmed_at_both_ends_only() {
        assert_eq!(trim_ows(b"\t a \t b \t"), b"a \t b");
        assert_eq!(trim_ows(b" \t "), b"");
        assert_eq!(trim_ows(b"\na\n"), b"\na\n");
    }
}
