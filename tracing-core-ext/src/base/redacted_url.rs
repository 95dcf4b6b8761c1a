use std::fmt;

/// URL in its original form. Its output omits the parts that may be secret.
#[derive(Clone, PartialEq)]
pub(crate) struct RedactedUrl(String);

impl RedactedUrl {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for RedactedUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.0))
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedactedUrl({self})")
    }
}

/// Returns the URL without user and query, because both may be secret.
pub(crate) fn redact(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let (authority, rest) = (&url[start..end], &url[end..]);
    let (user, host) = match authority.rfind('@') {
        Some(at) => ("***", &authority[at..]),
        None => ("", authority),
    };
    let (path, query) = match rest.find('?') {
        Some(at) => (&rest[..at], "?***"),
        None => (rest, ""),
    };
    format!("{}{user}{host}{path}{query}", &url[..start])
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
