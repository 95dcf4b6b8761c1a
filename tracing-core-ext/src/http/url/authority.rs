use std::net::Ipv6Addr;

/// Host and port of the server, from the `Host` header or the authority of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    /// Host, with an IPv6 address without its brackets.
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Parses an authority: RFC 9110, section 7.2:
    ///
    /// ```abnf
    /// Host = uri-host [ ":" port ]
    /// ```
    ///
    /// with `uri-host` of RFC 3986, section 3.2.2: a name, an IPv4 address, or an IPv6 address in
    /// brackets. The value comes from the network, so an invalid one is treated as absent.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if let Some(literal) = text.strip_prefix('[') {
            let (host, port) = literal.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            return Some(Self { host, port: parse_port(port)? });
        }
        let end = text.bytes().position(|byte| byte == b':').unwrap_or(text.len());
        let (host, port) = text.split_at(end);
        let valid = !host.is_empty() && host.bytes().all(is_host_byte) && is_encoded_well(host);
        valid.then_some(Self { host, port: parse_port(port)? })
    }
}

/// Returns `Some(None)` if there is no port, and `None` if the port is invalid.
pub(crate) fn parse_port(text: &str) -> Option<Option<u16>> {
    if text.is_empty() || text == ":" {
        return Some(None);
    }
    parse_digits(text.strip_prefix(':')?).map(Some)
}

/// Parses `port` without the sign that Rust accepts.
pub(crate) fn parse_digits(digits: &str) -> Option<u16> {
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok())?
}

/// Whether a byte is unreserved, part of pct-encoded, or a sub-delim.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte)
}

/// Whether each percent sign precedes two hexadecimal digits.
fn is_encoded_well(host: &str) -> bool {
    let mut escapes = host.split('%').skip(1);
    escapes.all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use crate::http::url::authority::*;

    fn parsed(text: &str) -> Option<(&str, Option<u16>)> {
        Authority::parse(text).map(|authority| (authority.host, authority.port))
    }

    #[test]
    fn a_host_may_have_a_port() {
        assert_eq!(parsed("shop.example"), Some(("shop.example", None)));
        assert_eq!(parsed("shop.example:"), Some(("shop.example", None)));
        assert_eq!(parsed("shop.example:8080"), Some(("shop.example", Some(8080))));
        assert_eq!(parsed("127.0.0.1:80"), Some(("127.0.0.1", Some(80))));
        assert_eq!(parsed("b%C3%BCro.example"), Some(("b%C3%BCro.example", None)));
    }

    #[test]
    fn an_ipv6_address_loses_its_brackets() {
        assert_eq!(parsed("[::1]"), Some(("::1", None)));
        assert_eq!(parsed("[2001:db8::7]:443"), Some(("2001:db8::7", Some(443))));
    }

    #[test]
    fn an_invalid_authority_is_absent() {
        let wrong = [
            "",
            ":80",
            "[::1",
            "[]",
            "[::1]80",
            "::1",
            "a:b",
            "a:-1",
            "a:+1",
            "a:65536",
            "a b",
            "u:p@host",
            "a/b",
            "[a]",
            "[1.2.3.4]",
            "[::1%25eth0]",
            "a%",
            "a%2",
            "a%2g.example",
        ];
        for text in wrong {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }
}
