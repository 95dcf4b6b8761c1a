use http::{HeaderMap, HeaderName, HeaderValue};

/// Header fields of a message, from which a propagator extracts.
///
/// Web frameworks have their own header maps, and their own versions of the `http` crate. This
/// trait is the common view that propagators require.
pub trait Headers {
    /// Returns every value of the field `name`, in the order received.
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]>;

    /// Returns the fields of several names.
    fn fields<'a, const N: usize>(
        &'a self,
        names: [&HeaderName; N],
    ) -> [Option<HeaderValues<'a>>; N] {
        names.map(|name| HeaderValues::of(self.values(name)))
    }

    /// Returns the names of all fields.
    ///
    /// Used only by propagators of formats without fixed field names.
    fn names(&self) -> impl Iterator<Item = &str>;
}

/// A header field with at least one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderValues<'a> {
    /// First value.
    pub first: &'a [u8],
    /// Whether there is only one value.
    pub is_only: bool,
}

impl<'a> HeaderValues<'a> {
    /// Creates a field with this first value.
    pub const fn new(first: &'a [u8], is_only: bool) -> Self {
        Self { first, is_only }
    }

    fn of(mut values: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let first = values.next()?;
        Some(Self { first, is_only: values.next().is_none() })
    }
}

/// Size up to which iterating a map is faster than hashing several names.
const SMALL: usize = 16;

impl Headers for HeaderMap {
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).into_iter().map(HeaderValue::as_bytes)
    }

    #[inline(always)]
    fn fields<'a, const N: usize>(
        &'a self,
        names: [&HeaderName; N],
    ) -> [Option<HeaderValues<'a>>; N] {
        if self.len() > SMALL {
            return names.map(|name| HeaderValues::of(Headers::values(self, name)));
        }
        let mut fields = [None; N];
        for (present, value) in self {
            for (field, name) in fields.iter_mut().zip(names) {
                if present == name {
                    let first =
                        field.map_or(value.as_bytes(), |field: HeaderValues<'a>| field.first);
                    *field = Some(HeaderValues { first, is_only: field.is_none() });
                }
            }
        }
        fields
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.keys().map(HeaderName::as_str)
    }
}

/// Header fields of a message, into which a propagator injects.
pub trait HeadersMut {
    /// Sets `name` to `value`, replacing every earlier value.
    ///
    /// A value that is invalid in a header, such as one with a line break, is not written.
    fn set(&mut self, name: &HeaderName, value: &[u8]);

    /// Adds `value` to the values of `name`.
    ///
    /// A value that is invalid in a header is not written.
    fn append(&mut self, name: &HeaderName, value: &[u8]);

    /// Removes every value of `name`.
    fn remove(&mut self, name: &HeaderName);

    /// Removes every field whose name starts with `prefix`, which is in lower case.
    fn remove_prefix(&mut self, prefix: &str);
}

impl HeadersMut for HeaderMap {
    fn set(&mut self, name: &HeaderName, value: &[u8]) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.insert(name, value);
        }
    }

    fn append(&mut self, name: &HeaderName, value: &[u8]) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.append(name, value);
        }
    }

    fn remove(&mut self, name: &HeaderName) {
        HeaderMap::remove(self, name);
    }

    fn remove_prefix(&mut self, prefix: &str) {
        let names = self.keys().filter(|name| name.as_str().starts_with(prefix));
        for name in names.cloned().collect::<Vec<_>>() {
            HeaderMap::remove(self, name);
        }
    }
}

/// Removes the optional whitespace that HTTP allows around a field value or a list member.
///
/// ```abnf
/// OWS = *( SP / HTAB )    ; RFC 9110, section 5.6.3
/// ```
pub(crate) fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// ```abnf
/// token = 1*tchar    ; RFC 9110, section 5.6.2
/// tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|"
///       / "~" / DIGIT / ALPHA
/// ```
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_tchar)
}

pub(crate) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns these fields in their order.
    pub(in crate::propagation) fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    static NAME: HeaderName = HeaderName::from_static("tracestate");

    #[test]
    fn fields_are_equal_if_iterated_or_hashed() {
        let names = [&NAME, &http::header::HOST, &http::header::ACCEPT];
        let mut headers = HeaderMap::new();
        headers.append(&NAME, HeaderValue::from_static("a"));
        headers.append("host", HeaderValue::from_static("h"));
        headers.append(&NAME, HeaderValue::from_static("b"));
        let walked =
            headers.fields(names).map(|field| field.map(|it| (it.first.to_vec(), it.is_only)));
        for n in 0..=SMALL {
            headers.append(format!("x-{n}").parse::<HeaderName>().unwrap(), HeaderValue::from(n));
        }
        let hashed =
            headers.fields(names).map(|field| field.map(|it| (it.first.to_vec(), it.is_only)));

        assert_eq!(walked, [Some((b"a".to_vec(), false)), Some((b"h".to_vec(), true)), None]);
        assert_eq!(walked, hashed);
    }

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
