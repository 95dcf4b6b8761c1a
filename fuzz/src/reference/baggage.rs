//! W3C Baggage.

use crate::grammar::{Rule, all, any, bytes, ows, repeat, text, token, without_ows};

/// A member of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub key: String,
    /// Decoded value.
    pub value: String,
    /// Valid properties, joined by semicolons, without whitespace.
    pub properties: String,
}

/// ```abnf
/// value          = *baggage-octet
/// baggage-octet  = %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E
/// ```
fn value() -> Rule {
    const OCTET: &[(u8, u8)] =
        &[(0x21, 0x21), (0x23, 0x2b), (0x2d, 0x3a), (0x3c, 0x5b), (0x5d, 0x7e)];
    repeat(0, usize::MAX, bytes(OCTET))
}

/// ```abnf
/// list-member = key OWS "=" OWS value *( OWS ";" OWS property )
/// ```
///
/// without the properties, and with whitespace around it.
fn pair() -> Rule {
    all([ows(), token(), ows(), text("="), ows(), value(), ows()])
}

/// ```abnf
/// property =  key OWS "=" OWS value
/// property =/ key OWS
/// ```
fn property() -> Rule {
    any([pair(), all([ows(), token(), ows()])])
}

/// Returns the members of the lines as one list, by the rules of this crate: an invalid member or
/// property is dropped alone, members beyond 8,192 bytes with their commas are dropped, of one key the
/// last value counts, and there are at most 64 keys.
pub fn members(lines: &[&[u8]]) -> Vec<Member> {
    let (pair, property) = (pair(), property());
    let mut kept: Vec<Member> = Vec::new();
    let mut length = 0;
    for member in lines.iter().flat_map(|line| line.split(|byte| *byte == b',')) {
        length += member.len() + usize::from(length > 0);
        if length > 8192 {
            break;
        }
        let mut parts = member.split(|byte| *byte == b';');
        let first = parts.next().expect("a first part");
        if !pair.matches(first) {
            continue;
        }
        let (key, value) = split(first);
        let properties = parts.filter(|part| property.matches(part)).map(|part| {
            let (key, value) = split(part);
            value.map_or(key.clone(), |value| format!("{key}={value}"))
        });
        let member = Member {
            key,
            value: decoded(&value.expect("an equals sign")),
            properties: properties.collect::<Vec<_>>().join(";"),
        };
        match kept.iter().position(|other| other.key == member.key) {
            Some(at) => kept[at] = member,
            None if kept.len() < 64 => kept.push(member),
            None => {}
        }
    }
    kept
}

/// Returns the texts around the first equals sign.
fn split(pair: &[u8]) -> (String, Option<String>) {
    let text = |bytes: &[u8]| String::from_utf8(without_ows(bytes).to_vec()).expect("ASCII");
    match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (text(&pair[..at]), Some(text(&pair[at + 1..]))),
        None => (text(pair), None),
    }
}

/// Decodes percent-encoded octets. Others that are no UTF-8 become U+FFFD.
pub fn decoded(value: &str) -> String {
    let (bytes, mut octets, mut at) = (value.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let digits = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        match digits {
            Some(digits) => {
                let digits = str::from_utf8(digits).expect("ASCII");
                octets.push(u8::from_str_radix(digits, 16).expect("two digits"));
                at += 3;
            }
            None => {
                octets.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}
