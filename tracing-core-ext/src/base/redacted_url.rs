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
///
/// Errors show values that are no URLs, such as `http://joe:pa/ss@host` and `http:joe:pw@host`. So the
/// user ends at the last `@`, also an encoded one, and nothing is shown if that may be in a query.
pub(crate) fn redact(url: &str) -> String {
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let scheme = url.find("://").filter(|at| url[..*at].bytes().all(is_scheme));
    let (scheme, rest) = url.split_at(scheme.map_or(0, |at| at + 3));
    let at = rest.rfind('@').map(|at| at + 1).max(rest.rfind("%40").map(|at| at + 3));
    let (user, rest) = rest.split_at(at.unwrap_or(0));
    if user.contains('?') {
        return format!("{scheme}***");
    }
    let user = if user.is_empty() { "" } else { "***@" };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, _)) => (rest, "?***"),
        None => (rest, ""),
    };
    format!("{scheme}{user}{rest}{query}")
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_query_are_omitted() {
        for (url, shown) in [
            ("http://h:4318/v1", "http://h:4318/v1"),
            ("http://joe@h", "http://***@h"),
            ("http://joe:pw@h/p?key=s#top", "http://***@h/p?***"),
            ("joe:pw@h", "***@h"),
            ("http://h?key=s", "http://h?***"),
        ] {
            assert_eq!(redact(url), shown);
        }
    }

    #[test]
    fn a_secret_is_omitted_from_what_is_no_url() {
        for (url, shown) in [
            ("http://joe:pa/ss@h", "http://***@h"),
            ("http://joe:pa#ss@h", "http://***@h"),
            ("http://joe:pa?ss@h", "http://***"),
            ("http:joe:pw@h", "***@h"),
            ("http:/joe:pw@h", "***@h"),
            ("http://joe:pw%40h", "http://***@h"),
            ("joe:pw@http://h", "***@http://h"),
            ("http://h/p?mail=joe@s", "http://***"),
        ] {
            assert_eq!(redact(url), shown);
        }
    }
}
