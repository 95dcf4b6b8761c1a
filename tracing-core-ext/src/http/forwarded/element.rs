use std::borrow::Cow;

use http::header;

use super::{
    chain::{last_first, outermost},
    client::ClientAddress,
    network::Networks,
    original::{Forwarded, authority, scheme},
};
use crate::propagation::{
    Headers,
    headers::{is_tchar, is_token, trim_ows},
};

/// Returns the values of `Forwarded` that the outermost trusted proxy wrote.
///
/// An invalid element has no values and no client, so no element to its left is trusted.
pub(super) fn resolve<'a>(
    headers: &'a impl Headers,
    peer: Option<ClientAddress>,
    trusted: &Networks,
) -> Forwarded<'a> {
    let lines = last_first(headers.values(&header::FORWARDED));
    let elements = lines.flat_map(|line| last_first(parts(line, b',')));
    let hops = elements.map(|element| parse(element).unwrap_or_default());
    let hop = outermost(hops, |hop| hop.client, trusted);
    hop.unwrap_or(Forwarded { client: peer, ..Forwarded::default() })
}

/// Parses an element: RFC 7239, section 4:
///
/// ```abnf
/// forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
/// ```
///
/// with each parameter at most once. Parameter names are case-insensitive. Other parameters are
/// ignored, with any value. A quoted string without an end invalidates the element, because it may
/// hide a parameter.
fn parse(element: &[u8]) -> Option<Forwarded<'_>> {
    if !ends_unquoted(element) {
        return None;
    }
    let (mut node, mut proto, mut host) = (None, None, None);
    for pair in parts(element, b';') {
        let name = trim_ows(pair.split(|&byte| byte == b'=').next()?);
        let parameter = match name {
            _ if name.eq_ignore_ascii_case(b"for") => &mut node,
            _ if name.eq_ignore_ascii_case(b"proto") => &mut proto,
            _ if name.eq_ignore_ascii_case(b"host") => &mut host,
            _ => continue,
        };
        let value = parse_value(str::from_utf8(pair).ok()?)?;
        if parameter.replace(value).is_some() {
            return None;
        }
    }
    Some(Forwarded {
        client: node.and_then(|node| ClientAddress::parse(&node)),
        scheme: proto.and_then(|proto| scheme(&proto)),
        authority: host.and_then(authority),
        port: None,
    })
}

/// Parses the value of a pair: RFC 7239, section 4:
///
/// ```abnf
/// forwarded-pair = token "=" value
/// value          = token / quoted-string
/// ```
///
/// A value may be empty. An address or a host with its port may have no quotes, because OpenShift's
/// router omits them.
fn parse_value(pair: &str) -> Option<Cow<'_, str>> {
    let (name, value) = pair.split_once('=')?;
    if !is_token(name.as_bytes()) {
        return None;
    }
    if value.starts_with('"') {
        return unquote(value);
    }
    let is_value = value.bytes().all(|byte| is_tchar(byte) || b":[]".contains(&byte));
    is_value.then_some(value.into())
}

/// Removes the quotes: RFC 9110, section 5.6.4:
///
/// ```abnf
/// quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
/// quoted-pair   = "\" ( HTAB / SP / VCHAR / obs-text )
/// ```
fn unquote(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains(['"', '\\']) {
        return Some(inner.into());
    }
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => return None,
            '\\' => text.push(chars.next()?),
            _ => text.push(char),
        }
    }
    Some(text.into())
}

/// Returns the parts between delimiters, without empty ones.
///
/// A delimiter in a quoted string is text, also if the string has no end. If a caller leaves a quoted
/// string open, all text that proxies append is part of that string and is never parsed as elements.
fn parts(text: &[u8], delimiter: u8) -> impl Iterator<Item = &[u8]> {
    let mut quotes = Quotes::default();
    let parts = text.split(move |&byte| !quotes.contain(byte) && byte == delimiter);
    parts.map(trim_ows).filter(|part| !part.is_empty())
}

/// Whether every quoted string in `text` is closed.
fn ends_unquoted(text: &[u8]) -> bool {
    let mut quotes = Quotes::default();
    text.iter().for_each(|&byte| _ = quotes.contain(byte));
    !quotes.is_open
}

/// Position relative to quoted strings.
#[derive(Default)]
struct Quotes {
    is_open: bool,
    is_escaped: bool,
}

impl Quotes {
    /// Whether `byte`, which is the next one, is in a quoted string.
    fn contain(&mut self, byte: u8) -> bool {
        self.is_open ^= byte == b'"' && !self.is_escaped;
        self.is_escaped = byte == b'\\' && self.is_open && !self.is_escaped;
        self.is_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        parts(text.as_bytes(), b',').map(|part| str::from_utf8(part).unwrap()).collect()
    }

    fn value(text: &str) -> Option<String> {
        parse_value(text).map(Cow::into_owned)
    }

    #[test]
    fn whitespace_and_empty_parts_are_dropped() {
        assert_eq!(split(" , a=1 ,\t,b=2,"), ["a=1", "b=2"]);
        assert!(split("").is_empty());
    }

    #[test]
    fn a_delimiter_in_quotes_is_text() {
        assert_eq!(split(r#"a="1,2",b=3"#), [r#"a="1,2""#, "b=3"]);
        assert_eq!(split(r#"a="1\",2",b=3"#), [r#"a="1\",2""#, "b=3"]);
        assert_eq!(split(r#"a="1\\",b=3"#), [r#"a="1\\""#, "b=3"]);
    }

    #[test]
    fn a_backslash_escapes_nothing_outside_quotes() {
        assert_eq!(split(r"a=\,b=3"), [r"a=\", "b=3"]);
        assert_eq!(split(r#"a=\"1,2",b=3"#), [r#"a=\"1,2""#, "b=3"]);
    }

    #[test]
    fn a_quoted_string_that_never_ends_takes_the_rest() {
        assert_eq!(split(r#"a=1,b=",c=3"#), ["a=1", r#"b=",c=3"#]);
    }

    #[test]
    fn a_value_is_a_token_or_quoted() {
        assert_eq!(value("for=192.0.2.43"), Some("192.0.2.43".to_owned()));
        assert_eq!(value(r#"by="a b=;,""#), Some("a b=;,".to_owned()));
        assert_eq!(value(r#"by="""#), Some(String::new()));
    }

    #[test]
    fn a_quoted_pair_stands_for_its_character() {
        assert_eq!(value(r#"by="\"\\\a""#), Some(r#""\a"#.to_owned()));
    }

    #[test]
    fn quotes_may_be_forgotten_around_addresses_ports_and_nothing() {
        assert_eq!(value("for=[::1]:80"), Some("[::1]:80".to_owned()));
        assert_eq!(value("proto-version="), Some(String::new()));
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for text in [
            "for",
            "=1",
            "f r=1",
            "for =1",
            "for= 1",
            "for=a b",
            "for=a=b",
            "for=a/b",
            "for=a\"",
            "for=a\"b\"",
            "for=\"",
            "for=\"a",
            "for=\"a\"b",
            "for=\"a\"b\"",
            r#"for="a\""#,
            "fór=1",
            "for=ó",
        ] {
            assert_eq!(value(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_malformed_parameter_that_is_not_used_is_ignored() {
        for element in [
            "for=192.0.2.43;x",
            "x;for=192.0.2.43",
            "for=192.0.2.43;sig=YQ==;exp=1/2",
            "f r=1;for=192.0.2.43;by",
            "for=192.0.2.43;=;by=a\"b;c\"d",
        ] {
            let client = parse(element.as_bytes()).unwrap().client;
            assert_eq!(client, ClientAddress::parse("192.0.2.43"), "{element:?}");
        }
        assert!(parse(b"by=\"\xff\";for=192.0.2.43").unwrap().client.is_some());
    }

    #[test]
    fn an_element_with_a_malformed_parameter_that_is_used_says_nothing() {
        for element in [
            "for",
            "for=192.0.2.43;for",
            "for=192.0.2.43;for=192.0.2.43",
            "for =192.0.2.1;for=192.0.2.43",
            "for=192.0.2.43;host=a=b",
            "proto=http;for=192.0.2.43;Proto=https",
            "host=a;for=192.0.2.43;HOST=b",
            "for=192.0.2.43;by=\"",
        ] {
            assert_eq!(parse(element.as_bytes()), None, "{element:?}");
        }
        assert_eq!(parse(b"for=192.0.2.43;host=\"\xff\""), None);
    }
}
