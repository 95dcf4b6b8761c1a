use std::{fmt, str, sync::Arc};

use http::HeaderName;
use opentelemetry::{StringValue, Value};
use uuid::{NoContext, Timestamp, Uuid};

/// Name of the header field: `x-request-id`.
pub(crate) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Maximum length of an ID that is accepted from a caller.
const MAX_LENGTH: usize = 128;

/// Identifier of a request, for support and for log lines. It is read from the field `x-request-id`
/// of the request, or else made, and written to the same field of the response.
///
/// Other than a trace ID it identifies one request of one caller, not the whole trace.
///
/// ```
/// use tracing_core_ext::http::RequestId;
///
/// assert_eq!(RequestId::parse(b"order-7").unwrap().as_str(), "order-7");
/// assert_eq!(RequestId::parse(b"two words"), None);
/// assert_eq!(RequestId::random().as_str().len(), 36);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Makes an ID, a UUID of version 7 (RFC 9562, section 5.7): it begins with the time in
    /// milliseconds, so IDs sort by it.
    pub fn random() -> Self {
        let mut buffer = Uuid::encode_buffer();
        Self(
            (*Uuid::new_v7(Timestamp::now(NoContext)).hyphenated().encode_lower(&mut buffer))
                .into(),
        )
    }

    /// Reads an ID that a caller has sent: 1 to 128 letters, digits and characters of
    /// `-._~:/+=@`, in ASCII. Anything else is `None`, so an ID can be written to a header, a log line
    /// or a page as it is.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/+=@".contains(byte);
        let has_length = (1..=MAX_LENGTH).contains(&value.len());
        let text = has_length && value.iter().all(is_allowed);
        Some(Self(str::from_utf8(value).ok().filter(|_| text)?.into()))
    }

    /// Returns the ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn to_value(&self) -> Value {
        StringValue::from(Arc::clone(&self.0)).into()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_caller_is_short_and_safe_or_refused() {
        for id in ["7", "018f3b9e-8b2e-7c3a-9f00-0123456789ab", "a/b+c=d:e@f~g_h.i-j"] {
            assert_eq!(RequestId::parse(id.as_bytes()).unwrap().as_str(), id);
        }
        assert!(RequestId::parse("x".repeat(128).as_bytes()).is_some());
        let long = "x".repeat(129);
        for id in ["", &long, "a b", "a\nb", "a\"b", "é", "a,b", "<b>", "\u{202e}", "a%0a"] {
            assert_eq!(RequestId::parse(id.as_bytes()), None, "{id:?}");
        }
        assert_eq!(RequestId::parse(b"\xff"), None);
    }

    #[test]
    fn a_random_id_is_a_uuid_of_version_7_that_is_accepted() {
        let ids = [RequestId::random(), RequestId::random()];
        let uuid = Uuid::parse_str(ids[0].as_str()).unwrap();
        assert_eq!(uuid.get_version_num(), 7);
        assert_ne!(ids[0], ids[1]);
        assert_eq!(RequestId::parse(ids[0].as_str().as_bytes()).as_ref(), Some(&ids[0]));
    }
}
