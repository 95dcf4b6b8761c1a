use std::{error::Error, fmt};

use ::http::HeaderName;
use opentelemetry::{Array, KeyValue, StringValue, Value};

use crate::propagation::Headers;

/// Header fields that carry credentials or identify a user.
const SENSITIVE: [&str; 24] = [
    "authentication-info",
    "authorization",
    "cookie",
    "cookie2",
    "dpop",
    "ocp-apim-subscription-key",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
    "x-amzn-oidc-accesstoken",
    "x-amzn-oidc-data",
    "x-amzn-oidc-identity",
    "x-auth",
    "x-auth-key",
    "x-authorization",
    "x-csrftoken",
    "x-functions-key",
    "x-goog-iap-jwt-assertion",
    "x-ms-client-principal",
    "x-session-id",
    "x-xsrftoken",
];

/// Suffixes of the names of more sensitive fields: `x-auth-token`, `private-token`,
/// `x-goog-api-key`.
const SENSITIVE_ENDS: [&str; 7] =
    ["api-key", "apikey", "assertion", "credential", "password", "secret", "token"];

/// List of the header fields that are recorded.
///
/// Each field is recorded as an attribute `http.request.header.<name>` or
/// `http.response.header.<name>` with all values of the field (semantic conventions, HTTP spans). A
/// field that carries credentials is refused unless it is forced: `cookie`, `authorization`, and
/// every field whose name ends in `token`, `secret`, `password` or `api-key`, among others.
///
/// ```
/// use tracing_core_ext::http::CapturedHeaders;
///
/// let captured = CapturedHeaders::new(["x-tenant", "accept-language"])?;
/// assert!(CapturedHeaders::new(["Authorization"]).is_err());
///
/// let forced = captured.force(["x-api-key"])?;
/// # drop(forced);
/// # Ok::<(), tracing_core_ext::http::InvalidHeader>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CapturedHeaders {
    names: Vec<HeaderName>,
}

impl CapturedHeaders {
    /// Records the fields `names`.
    ///
    /// # Errors
    ///
    /// If a name is not a valid header field name, or names a field that carries credentials.
    pub fn new<I>(names: I) -> Result<Self, InvalidHeader>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut captured = Self::default();
        for name in names {
            captured.add(harmless(name.as_ref())?);
        }
        Ok(captured)
    }

    /// Records the fields `names` as well, including fields that carry credentials.
    ///
    /// # Errors
    ///
    /// If a name is not a valid header field name.
    pub fn force<I>(mut self, names: I) -> Result<Self, InvalidHeader>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        for name in names {
            self.add(parse(name.as_ref())?);
        }
        Ok(self)
    }

    /// Adds a field once, even if its name is given twice.
    fn add(&mut self, name: HeaderName) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// Adds the fields of `others`.
    pub(crate) fn extend(&mut self, others: Self) {
        others.names.into_iter().for_each(|name| self.add(name));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the attributes of the header fields that are present.
    pub(crate) fn attributes<'a>(
        &'a self,
        prefix: &'a str,
        headers: &'a impl Headers,
    ) -> impl Iterator<Item = KeyValue> + 'a {
        self.names.iter().filter_map(move |name| {
            let values: Vec<_> = headers.values(name).map(text).collect();
            let value = (!values.is_empty()).then_some(Value::Array(Array::String(values)))?;
            Some(KeyValue::new(format!("{prefix}{name}"), value))
        })
    }
}

/// Returns a value as text. Bytes that are not valid UTF-8 are replaced.
fn text(value: &[u8]) -> StringValue {
    String::from_utf8_lossy(value).into_owned().into()
}

fn harmless(name: &str) -> Result<HeaderName, InvalidHeader> {
    let parsed = parse(name)?;
    if is_sensitive(parsed.as_str()) {
        return Err(InvalidHeader { name: name.to_owned(), kind: InvalidHeaderKind::Sensitive });
    }
    Ok(parsed)
}

fn is_sensitive(name: &str) -> bool {
    let ends_with = |end: &str| {
        name.strip_suffix(end).is_some_and(|start| start.is_empty() || start.ends_with(['-', '_']))
    };
    SENSITIVE.contains(&name) || SENSITIVE_ENDS.into_iter().any(ends_with)
}

fn parse(name: &str) -> Result<HeaderName, InvalidHeader> {
    let invalid = |_| InvalidHeader { name: name.to_owned(), kind: InvalidHeaderKind::NoName };
    HeaderName::from_bytes(name.as_bytes()).map_err(invalid)
}

/// Error for a header field that cannot be captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidHeader {
    name: String,
    kind: InvalidHeaderKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InvalidHeaderKind {
    NoName,
    Sensitive,
}

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind } = self;
        match kind {
            InvalidHeaderKind::NoName => {
                write!(f, "captured header {name:?}: expected a name of a field")
            }
            InvalidHeaderKind::Sensitive => write!(
                f,
                "captured header {name:?}: it carries credentials; expected another, or `force`"
            ),
        }
    }
}

impl Error for InvalidHeader {}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn a_field_that_carries_credentials_is_refused_unless_forced() {
        let more = [
            "AUTHORIZATION",
            "Cookie",
            "api-key",
            "private-token",
            "x-access-token",
            "x-amz-security-token",
            "x-api-key",
            "x-apikey",
            "x-auth-token",
            "x-csrf-token",
            "x-goog-api-key",
            "x-vault-token",
            "x-xsrf-token",
            "x_client_secret",
        ];
        for name in SENSITIVE.into_iter().chain(more) {
            let error = CapturedHeaders::new([name]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("credentials"), "{error}");
            CapturedHeaders::default().force([name]).unwrap();
        }
    }

    #[test]
    fn a_field_whose_name_only_resembles_one_with_credentials_is_captured() {
        for name in ["x-token-count", "x-tokens", "x-key", "x-cookie-consent", "broken"] {
            CapturedHeaders::new([name]).unwrap();
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let error = CapturedHeaders::new(["x tenant"]).unwrap_err();
        assert_eq!(error.to_string(), r#"captured header "x tenant": expected a name of a field"#);
        CapturedHeaders::default().force([""]).unwrap_err();
    }

    #[test]
    fn every_value_of_a_field_is_recorded_and_absent_fields_are_not() {
        let captured = CapturedHeaders::new(["X-Tenant", "x-none", "x-tenant"]).unwrap();
        let captured = captured.force(["x-tenant"]).unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-tenant", HeaderValue::from_static("a"));
        headers.append("x-tenant", HeaderValue::from_bytes(b"b\xff").unwrap());

        let attributes: Vec<_> = captured.attributes("prefix.", &headers).collect();

        let values = vec!["a".into(), "b\u{fffd}".into()];
        assert_eq!(
            attributes,
            [KeyValue::new("prefix.x-tenant", Value::Array(Array::String(values)))]
        );
    }
}
