use std::borrow::Cow;

use http::header;

use super::{
    chain::{last_first, outermost},
    client::ClientAddress,
    network::Networks,
    proxies::{Forwarded, authority, scheme},
};
use crate::propagation::{
    Headers,
    headers::{is_tchar, is_token, trim_ows},
};

/// What the outermost trusted proxy says in `Forwarded`.
///
/// An element that cannot be read says nothing, not even who called, so that none to its left is believed.
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

/// RFC 7239, section 4:
///
/// ```abnf
/// forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
/// ```
///
/// with each parameter at most once, and its name in any case.
fn parse(element: &[u8]) -> Option<Forwarded<'_>> {
    let (mut node, mut proto, mut host) = (None, None, None);
    for pair in parts(element, b';') {
        let (name, value) = parse_pair(str::from_utf8(pair).ok()?)?;
        let parameter = match name {
            _ if name.eq_ignore_ascii_case("for") => &mut node,
            _ if name.eq_ignore_ascii_case("proto") => &mut proto,
            _ if name.eq_ignore_ascii_case("host") => &mut host,
            _ => continue,
        };
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

/// RFC 7239, section 4:
///
/// ```abnf
/// forwarded-pair = token "=" value
/// value          = token / quoted-string
/// ```
///
/// A value may be empty, or an address or a host with its port, without the quotes: OpenShift's router forgets them.
fn parse_pair(pair: &str) -> Option<(&str, Cow<'_, str>)> {
    let (name, value) = pair.split_once('=')?;
    if !is_token(name.as_bytes()) {
        return None;
    }
    if value.starts_with('"') {
        return Some((name, unquote(value)?));
    }
    let is_value = value.bytes().all(|byte| is_tchar(byte) || b":[]".contains(&byte));
    is_value.then_some((name, value.into()))
}

/// RFC 9110, section 5.6.4:
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

/// Parts between delimiters, but for empty ones. In a quoted string a delimiter is text, also in one that never ends: so
/// whoever opens one cannot have what a proxy adds behind it taken for something else than the rest of it.
fn parts(text: &[u8], delimiter: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(move |&byte| {
        quoted ^= byte == b'"' && !escaped;
        escaped = byte == b'\\' && quoted && !escaped;
        byte == delimiter && !quoted
    });
    parts.map(trim_ows).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        parts(text.as_bytes(), b',').map(|part| str::from_utf8(part).unwrap()).collect()
    }

    fn pair(text: &str) -> Option<(&str, String)> {
        parse_pair(text).map(|(name, value)| (name, value.into_owned()))
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
        assert_eq!(pair("for=192.0.2.43"), Some(("for", "192.0.2.43".to_owned())));
        assert_eq!(pair(r#"by="a b=;,""#), Some(("by", "a b=;,".to_owned())));
        assert_eq!(pair(r#"by="""#), Some(("by", String::new())));
    }

    #[test]
    fn a_quoted_pair_stands_for_its_character() {
        assert_eq!(pair(r#"by="\"\\\a""#), Some(("by", r#""\a"#.to_owned())));
    }

    #[test]
    fn quotes_may_be_forgotten_around_addresses_ports_and_nothing() {
        assert_eq!(pair("for=[::1]:80"), Some(("for", "[::1]:80".to_owned())));
        assert_eq!(pair("proto-version="), Some(("proto-version", String::new())));
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
            assert_eq!(pair(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_element_with_anything_wrong_says_nothing() {
        for element in [
            "for=192.0.2.43;x",
            "x;for=192.0.2.43",
            "for=192.0.2.43;for=192.0.2.43",
            "proto=http;for=192.0.2.43;Proto=https",
            "host=a;for=192.0.2.43;HOST=b",
            "for=192.0.2.43;by=\"",
        ] {
            assert_eq!(parse(element.as_bytes()), None, "{element:?}");
        }
        assert_eq!(parse(b"for=192.0.2.43;by=\"\xff\""), None);
    }
}
