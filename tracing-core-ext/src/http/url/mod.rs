//! URLs without credentials and signatures.

pub(crate) mod allowed_hosts;
pub(crate) mod authority;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

const REDACTED: &str = "REDACTED";

/// Query keys whose values are credentials or signatures: semantic conventions 1.44, `url.query`.
const SENSITIVE_KEYS: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
];

/// Returns `query` with the values of all sensitive keys and of the keys in `more` replaced.
pub(crate) fn redact_query<'a>(query: &'a str, more: &[Box<str>]) -> Cow<'a, str> {
    let is_sensitive = |pair: &str| is_sensitive(pair, more);
    if !query.split('&').any(is_sensitive) {
        return Cow::Borrowed(query);
    }
    let pairs: Vec<_> = query.split('&').map(|pair| redact_pair(pair, more)).collect();
    Cow::Owned(pairs.join("&"))
}

/// Returns an absolute URL without the credentials in its authority and its query. `more` contains
/// further sensitive keys.
pub(crate) fn redact_url<'a>(url: &'a str, more: &[Box<str>]) -> Cow<'a, str> {
    if !url.bytes().any(|byte| matches!(byte, b'@' | b'?' | b'#')) {
        return Cow::Borrowed(url);
    }
    let (url, fragment) = split_before(url, '#');
    let (base, query) = split_before(url, '?');
    let redacted_base = redact_userinfo(base);
    let redacted_query = redact_query(query.strip_prefix('?').unwrap_or(""), more);
    match (&redacted_base, &redacted_query) {
        (Cow::Borrowed(_), Cow::Borrowed(_)) if fragment.is_empty() => Cow::Borrowed(url),
        _ if query.is_empty() => Cow::Owned(format!("{redacted_base}{fragment}")),
        _ => Cow::Owned(format!("{redacted_base}?{redacted_query}{fragment}")),
    }
}

/// Returns text with URLs, but without whitespace, without the credentials of the URLs. A URL may be in the
/// query of another, or directly behind another.
pub(crate) fn redact_joined_urls(urls: &str, more: &[Box<str>]) -> String {
    // The user of the first URL may contain what looks like a pair, and a value of its query what looks like a user.
    let (base, rest) = urls.split_at(urls.find(['?', '#']).unwrap_or(urls.len()));
    let urls = redact_users(base) + rest;
    let (urls, fragment) = split_before(&urls, '#');
    let urls = urls.split('&').map(|part| redact_nested_pair(part, more));
    redact_users(&(urls.collect::<Vec<_>>().join("&") + fragment))
}

/// Redacts the user behind each `://`.
fn redact_users(urls: &str) -> String {
    let mut parts = urls.split("://");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |redacted, part| redacted + "://" + &redact_authority(part))
}

/// Redacts a pair, or a pair behind a question mark in its value.
fn redact_nested_pair<'a>(pair: &'a str, more: &[Box<str>]) -> Cow<'a, str> {
    match pair.split_once('?') {
        _ if is_sensitive(pair, more) => redact_pair(pair, more),
        Some((before, nested)) => {
            Cow::Owned(format!("{before}?{}", redact_nested_pair(nested, more)))
        }
        None => Cow::Borrowed(pair),
    }
}

/// Redacts the user of an absolute URL, or of the authority that is the target of a CONNECT.
fn redact_userinfo(base: &str) -> Cow<'_, str> {
    let start = base.find("://").map_or(0, |at| at + 3);
    match redact_authority(&base[start..]) {
        Cow::Borrowed(_) => Cow::Borrowed(base),
        Cow::Owned(redacted) => Cow::Owned(format!("{}{redacted}", &base[..start])),
    }
}

fn redact_authority(rest: &str) -> Cow<'_, str> {
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((userinfo, host)) => {
            let redacted = if userinfo.contains(':') { "REDACTED:REDACTED" } else { REDACTED };
            Cow::Owned(format!("{redacted}@{host}{path}"))
        }
        None => Cow::Borrowed(rest),
    }
}

fn is_sensitive(pair: &str, more: &[Box<str>]) -> bool {
    pair.split_once('=').is_some_and(|(key, _)| is_sensitive_key(key, more))
}

fn is_sensitive_key(key: &str, more: &[Box<str>]) -> bool {
    let mut sensitive = SENSITIVE_KEYS.into_iter().chain(more.iter().map(|it| &**it));
    sensitive.any(|it| it == key || is_encoded(key) && decoded(key).eq(it.bytes()))
}

fn is_encoded(key: &str) -> bool {
    key.bytes().any(|byte| matches!(byte, b'%' | b'+'))
}

/// Returns the decoded bytes of `key`: URL standard, `application/x-www-form-urlencoded` parsing.
fn decoded(key: &str) -> impl Iterator<Item = u8> {
    key.split('+').enumerate().flat_map(|(at, part)| {
        let space = (at > 0).then_some(b' ');
        space.into_iter().chain(percent_decode_str(part))
    })
}

fn redact_pair<'a>(pair: &'a str, more: &[Box<str>]) -> Cow<'a, str> {
    match pair.split_once('=') {
        Some((key, _)) if is_sensitive_key(key, more) => Cow::Owned(format!("{key}={REDACTED}")),
        _ => Cow::Borrowed(pair),
    }
}

/// Splits before the first `delimiter`, which becomes part of the second half.
fn split_before(text: &str, delimiter: char) -> (&str, &str) {
    text.split_at(text.find(delimiter).unwrap_or(text.len()))
}

/// Scheme of the URLs of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

impl Scheme {
    /// Returns the scheme as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Returns the default port of a scheme: RFC 9110, sections 4.2.1 and 4.2.2.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmless_query_is_borrowed() {
        for query in ["", "a=1&b=2", "signature=x", "sig", "=&="] {
            assert!(matches!(redact_query(query, &[]), Cow::Borrowed(same) if same == query));
        }
    }

    #[test]
    fn every_sensitive_key_loses_its_value() {
        for key in SENSITIVE_KEYS {
            let query = format!("a=1&{key}=secret&b=%20");
            assert_eq!(redact_query(&query, &[]), format!("a=1&{key}=REDACTED&b=%20"));
        }
    }

    #[test]
    fn a_harmless_url_is_borrowed() {
        let url = "https://shop.example:8443/items/7?page=2";
        assert!(matches!(redact_url(url, &[]), Cow::Borrowed(same) if same == url));
    }

    #[test]
    fn credentials_in_the_authority_are_redacted() {
        assert_eq!(redact_url("https://joe:pw@host/p", &[]), "https://REDACTED:REDACTED@host/p");
        assert_eq!(redact_url("https://joe@host", &[]), "https://REDACTED@host");
        assert_eq!(redact_url("https://host/a@b", &[]), "https://host/a@b");
        assert_eq!(redact_url("joe:pw@host:443", &[]), "REDACTED:REDACTED@host:443");
        assert_eq!(redact_url("/a@b", &[]), "/a@b");
    }

    #[test]
    fn a_signed_url_keeps_all_but_its_signature() {
        assert_eq!(
            redact_url("http://h/p?sig=abc&x=1#top", &[]),
            "http://h/p?sig=REDACTED&x=1#top"
        );
        assert_eq!(redact_url("http://h/p#sig=abc", &[]), "http://h/p#sig=abc");
    }

    #[test]
    fn an_encoded_key_is_the_key_that_it_stands_for() {
        let more = ["user[password]".into(), "api key".into(), "schlüssel".into(), "a+b".into()];
        for key in [
            "user%5Bpassword%5D",
            "user%5bpassword]",
            "api+key",
            "api%20key",
            "schl%C3%BCssel",
            "X%2DAmz%2DSignature",
            "%73ig",
            "a+b",
            "a%2Bb",
        ] {
            let query = format!("x=1&{key}=secret");
            assert_eq!(redact_query(&query, &more), format!("x=1&{key}=REDACTED"));
            let url = format!("http://h/?{key}=secret");
            assert_eq!(redact_url(&url, &more), format!("http://h/?{key}=REDACTED"));
        }
        for key in ["user%5Bname%5D", "api%2Bkey", "%", "%7", "a b", "api++key", "si%g", "sig%00"] {
            let query = format!("{key}=1");
            assert_eq!(redact_query(&query, &more), query);
        }
    }

    #[test]
    fn the_list_of_sensitive_keys_can_be_extended() {
        let more = ["token".into()];
        assert_eq!(redact_query("token=t&sig=s&a=1", &more), "token=REDACTED&sig=REDACTED&a=1");
        assert_eq!(redact_url("http://h/?token=t", &more), "http://h/?token=REDACTED");
        assert_eq!(redact_query("Token=t", &more), "Token=t");
    }
}
