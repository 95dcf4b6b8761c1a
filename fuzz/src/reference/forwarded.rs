//! `Forwarded` (RFC 7239) and `X-Forwarded-*`, from proxies in the networks [`TRUSTED`].

use std::net::IpAddr;

use crate::grammar::{
    Rule, all, any, bytes, exactly, hexdig, optional, repeat, text, token, without_ows,
};

/// Networks of the trusted proxies.
pub const TRUSTED: [&str; 3] = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"];

/// Number of hops, and of lines, that are read from the right.
const MOST: usize = 32;

/// Values that the outermost trusted proxy reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    pub client: Option<(IpAddr, Option<u16>)>,
    pub scheme: Option<&'static str>,
    pub authority: Option<String>,
    pub port: Option<u16>,
}

fn is_trusted(client: Option<(IpAddr, Option<u16>)>) -> bool {
    match client {
        Some((IpAddr::V4(v4), _)) => v4.octets()[0] == 10 || v4.octets() == [192, 0, 2, 7],
        Some((IpAddr::V6(v6), _)) => v6.octets()[0] == 0xfd,
        None => false,
    }
}

/// Each hop from the right, up to the first whose address is no proxy.
fn outermost(hops: Vec<Forwarded>, peer: Option<(IpAddr, Option<u16>)>) -> Forwarded {
    let mut found = Forwarded { client: peer, ..Forwarded::default() };
    for hop in hops.into_iter().take(MOST) {
        if !is_trusted(found.client) {
            break;
        }
        found = hop;
    }
    found
}

/// Reads `Forwarded` of a request from `peer`.
pub fn forwarded(lines: &[&[u8]], peer: (IpAddr, Option<u16>)) -> Forwarded {
    let lines = lines.iter().rev().take(MOST);
    let elements = lines.flat_map(|line| {
        let elements = unquoted_parts(line, b',');
        elements.into_iter().rev().take(MOST)
    });
    outermost(elements.map(|element| parse(element).unwrap_or_default()).collect(), Some(peer))
}

/// ```abnf
/// forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
/// forwarded-pair    = token "=" value
/// value             = token / quoted-string
/// ```
///
/// "each parameter MUST NOT occur more than once per field-value". This crate ignores pairs of other
/// names, accepts colons, brackets and nothing in a value without quotes, and refuses an element with
/// an open quoted string.
fn parse(element: &[u8]) -> Option<Forwarded> {
    let quotes = in_quotes(element);
    if quotes.last().is_some_and(|last| *last) {
        return None;
    }
    let pair = all([token(), text("="), any([unquoted(), quoted_string()])]);
    let mut known: [Option<String>; 3] = [None, None, None];
    for part in unquoted_parts(element, b';') {
        let name = part.split(|byte| *byte == b'=').next().expect("a part");
        let name = without_ows(name).to_ascii_lowercase();
        let names: [&[u8]; 3] = [b"for", b"proto", b"host"];
        let Some(at) = names.iter().position(|known| **known == name) else { continue };
        if !pair.matches(part) || known[at].is_some() {
            return None;
        }
        let value = str::from_utf8(part).ok()?.split_once('=').expect("a pair").1;
        known[at] = Some(without_quotes(value));
    }
    let [node, proto, host] = known;
    Some(Forwarded {
        client: node.and_then(|node| client(&node)),
        scheme: proto.and_then(|proto| scheme(&proto)),
        authority: host.filter(|host| is_authority(host)),
        port: None,
    })
}

fn unquoted() -> Rule {
    repeat(0, usize::MAX, any([token(), text(":"), text("["), text("]")]))
}

/// ```abnf
/// quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
/// quoted-pair   = "\" ( HTAB / SP / VCHAR / obs-text )
/// ```
fn quoted_string() -> Rule {
    let qdtext = bytes(&[(b'\t', b'\t'), (b' ', b'!'), (b'#', b'['), (b']', 0x7e), (0x80, 0xff)]);
    let pair = all([text("\\"), bytes(&[(b'\t', b'\t'), (b' ', 0x7e), (0x80, 0xff)])]);
    all([text("\""), repeat(0, usize::MAX, any([qdtext, pair])), text("\"")])
}

fn without_quotes(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let (mut unescaped, mut chars) = (String::new(), inner[..inner.len() - 1].chars());
    while let Some(char) = chars.next() {
        unescaped.push(if char == '\\' { chars.next().expect("a pair") } else { char });
    }
    unescaped
}

/// Whether each byte is inside of a quoted string, before its closing quote.
fn in_quotes(text: &[u8]) -> Vec<bool> {
    let (mut open, mut escaped) = (false, false);
    let mut quotes = Vec::new();
    for byte in text {
        match (open, escaped, byte) {
            (true, true, _) => escaped = false,
            (true, false, b'\\') => escaped = true,
            (true, false, b'"') => open = false,
            (false, _, b'"') => open = true,
            _ => {}
        }
        quotes.push(open);
    }
    quotes
}

/// Returns the parts between delimiters outside of quoted strings, without empty ones.
fn unquoted_parts(text: &[u8], delimiter: u8) -> Vec<&[u8]> {
    let quotes = in_quotes(text);
    let ends = (0..text.len()).filter(|at| text[*at] == delimiter && !quotes[*at]);
    let mut start = 0;
    let mut parts = Vec::new();
    for end in ends.chain([text.len()]) {
        parts.push(without_ows(&text[start..end]));
        start = end + 1;
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Reads `X-Forwarded-For`, `-Proto`, `-Host` and `-Port`, parallel lists from the right.
pub fn x_forwarded(fields: [&[&[u8]]; 4], peer: (IpAddr, Option<u16>)) -> Forwarded {
    let members = fields.map(|lines| {
        let lines = lines.iter().rev().take(MOST);
        let members = lines.flat_map(|line| line.rsplit(|byte| *byte == b','));
        members.map(without_ows).filter(|member| !member.is_empty()).collect::<Vec<_>>()
    });
    if !is_trusted(Some(peer)) {
        return Forwarded { client: Some(peer), ..Forwarded::default() };
    }
    let [clients, ..] = &members;
    let mut position = 0;
    let mut found = Some(peer);
    for (at, member) in clients.iter().enumerate().take(MOST) {
        if !is_trusted(found) {
            break;
        }
        position = at;
        found = str::from_utf8(member).ok().and_then(client);
    }
    let value = |list: &Vec<&[u8]>| {
        let value = list.get(position).or(list.last())?;
        str::from_utf8(value).ok().map(str::to_owned)
    };
    Forwarded {
        client: found,
        scheme: value(&members[1]).and_then(|proto| scheme(&proto)),
        authority: value(&members[2]).filter(|host| is_authority(host)),
        port: value(&members[3]).and_then(|port| number(&port)),
    }
}

fn scheme(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "http" => Some("http"),
        "https" => Some("https"),
        _ => None,
    }
}

/// ```abnf
/// node      = nodename [ ":" node-port ]
/// nodename  = IPv4address / "[" IPv6address "]" / "unknown" / obfnode
/// node-port = port / obfport
/// obfport   = "_" 1*( ALPHA / DIGIT / "." / "_" / "-" )
/// ```
///
/// This crate also accepts IPv6 addresses without brackets, zones, and any number of digits, any
/// obfuscated port, and no port behind the colon. It returns IPv4 addresses in IPv6 form as IPv4.
fn client(node: &str) -> Option<(IpAddr, Option<u16>)> {
    let unzoned = |text: &str| text.split('%').next().expect("a part").to_owned();
    let (address, port) = match node.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (unzoned(address), port)
        }
        None if ipv6().matches(unzoned(node).as_bytes()) => (unzoned(node), ""),
        None => match node.find(':') {
            Some(at) => (node[..at].to_owned(), &node[at..]),
            None => (node.to_owned(), ""),
        },
    };
    let expected = if node.starts_with('[') || address.contains(':') { ipv6() } else { ipv4() };
    if !expected.matches(address.as_bytes()) {
        return None;
    }
    let port = match port {
        "" | ":" => None,
        hidden if hidden.starts_with(":_") => None,
        port => Some(number(port.strip_prefix(':')?)?),
    };
    let address: IpAddr = address.parse().expect("an address by the grammar");
    let mapped = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map(IpAddr::V4),
        IpAddr::V4(_) => None,
    };
    Some((mapped.unwrap_or(address), port))
}

fn number(digits: &str) -> Option<u16> {
    let is_number = repeat(1, usize::MAX, bytes(&[(b'0', b'9')])).matches(digits.as_bytes());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// RFC 3986, section 3.2.2:
///
/// ```abnf
/// IPv4address = dec-octet "." dec-octet "." dec-octet "." dec-octet
/// dec-octet   = DIGIT / %x31-39 DIGIT / "1" 2DIGIT / "2" %x30-34 DIGIT / "25" %x30-35
/// ```
fn ipv4() -> Rule {
    let digit = || bytes(&[(b'0', b'9')]);
    let octet = any([
        digit(),
        all([bytes(&[(b'1', b'9')]), digit()]),
        all([text("1"), digit(), digit()]),
        all([text("2"), bytes(&[(b'0', b'4')]), digit()]),
        all([text("25"), bytes(&[(b'0', b'5')])]),
    ]);
    all([exactly(3, all([octet.clone(), text(".")])), octet])
}

/// RFC 3986, section 3.2.2: `IPv6address`, with its nine alternatives.
fn ipv6() -> Rule {
    let h16 = || repeat(1, 4, hexdig());
    let part = || all([h16(), text(":")]);
    let ls32 = || any([all([h16(), text(":"), h16()]), ipv4()]);
    let up_to = |count| optional(all([repeat(0, count, part()), h16()]));
    any([
        all([exactly(6, part()), ls32()]),
        all([text("::"), exactly(5, part()), ls32()]),
        all([up_to(0), text("::"), exactly(4, part()), ls32()]),
        all([up_to(1), text("::"), exactly(3, part()), ls32()]),
        all([up_to(2), text("::"), exactly(2, part()), ls32()]),
        all([up_to(3), text("::"), part(), ls32()]),
        all([up_to(4), text("::"), ls32()]),
        all([up_to(5), text("::"), h16()]),
        all([up_to(6), text("::")]),
    ])
}

/// ```abnf
/// Host        = uri-host [ ":" port ]
/// uri-host    = "[" IPv6address "]" / reg-name
/// reg-name    = *( unreserved / pct-encoded / sub-delims )
/// pct-encoded = "%" HEXDIG HEXDIG
/// port        = *DIGIT
/// ```
///
/// A name is not empty, and a port is below 65,536.
fn is_authority(authority: &str) -> bool {
    const NAME: &[(u8, u8)] = &[
        (b'a', b'z'),
        (b'A', b'Z'),
        (b'0', b'9'),
        (b'-', b'.'),
        (b'_', b'_'),
        (b'~', b'~'),
        (b'!', b'!'),
        (b'$', b'$'),
        (b'&', b','),
        (b';', b';'),
        (b'=', b'='),
    ];
    let name = any([bytes(NAME), all([text("%"), hexdig(), hexdig()])]);
    let host = any([all([text("["), ipv6(), text("]")]), repeat(1, usize::MAX, name)]);
    let digits = repeat(0, usize::MAX, bytes(&[(b'0', b'9')]));
    let rule = all([host, optional(all([text(":"), digits]))]);
    if !rule.matches(authority.as_bytes()) {
        return false;
    }
    let port = match authority.strip_prefix('[') {
        Some(literal) => literal.split_once(']').expect("a bracket").1,
        None => authority.find(':').map_or("", |at| &authority[at..]),
    };
    let digits = port.strip_prefix(':').unwrap_or("");
    digits.is_empty() || number(digits).is_some()
}
