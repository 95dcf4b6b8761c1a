use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::http::url::authority;

/// Address of the sender of a request: a client, or a proxy that forwards for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientAddress {
    /// IP address. An IPv4 address is never in its IPv6 form.
    pub(crate) address: IpAddr,
    pub(crate) port: Option<u16>,
}

impl ClientAddress {
    /// Parses a node: RFC 7239, section 6:
    ///
    /// ```abnf
    /// node      = nodename [ ":" node-port ]
    /// nodename  = IPv4address / "[" IPv6address "]" / "unknown" / obfnode
    /// obfnode   = "_" 1*( ALPHA / DIGIT / "." / "_" / "-" )
    /// node-port = port / obfport
    /// port      = 1*5DIGIT
    /// obfport   = "_" 1*( ALPHA / DIGIT / "." / "_" / "-" )
    /// ```
    ///
    /// Returns `None` for a node without an address. `X-Forwarded-For` has no specification, and
    /// contains IPv6 addresses without brackets as well.
    pub(super) fn parse(node: &str) -> Option<Self> {
        if let Some(literal) = node.strip_prefix('[') {
            let (address, port) = literal.split_once(']')?;
            return Some(Self::new(parse_ipv6(address)?, parse_port(port)?));
        }
        if let Some(address) = parse_ipv6(node) {
            return Some(Self::new(address, None));
        }
        let (address, port) = node.split_at(node.find(':').unwrap_or(node.len()));
        Some(Self::new(address.parse::<Ipv4Addr>().ok()?, parse_port(port)?))
    }

    fn new(address: impl Into<IpAddr>, port: Option<u16>) -> Self {
        Self { address: address.into().to_canonical(), port }
    }
}

impl From<SocketAddr> for ClientAddress {
    fn from(peer: SocketAddr) -> Self {
        Self::new(peer.ip(), Some(peer.port()))
    }
}

/// Parses an IPv6 address without its zone, because a zone has a meaning only on the host that
/// wrote it.
fn parse_ipv6(text: &str) -> Option<Ipv6Addr> {
    let (address, _zone) = text.split_once('%').unwrap_or((text, ""));
    address.parse().ok()
}

/// Returns `Some(None)` if there is no port or a hidden one, and `None` if the port is invalid.
fn parse_port(text: &str) -> Option<Option<u16>> {
    if text.starts_with(":_") { Some(None) } else { authority::parse_port(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_client(node: &str, address: &str, port: Option<u16>) {
        let address = address.parse().unwrap();
        assert_eq!(ClientAddress::parse(node), Some(ClientAddress { address, port }), "{node}");
    }

    #[test]
    fn an_ipv4_address_may_have_a_port() {
        assert_client("192.0.2.43", "192.0.2.43", None);
        assert_client("192.0.2.43:47011", "192.0.2.43", Some(47011));
    }

    #[test]
    fn an_ipv6_address_in_brackets_may_have_a_port() {
        assert_client("[2001:db8:cafe::17]", "2001:db8:cafe::17", None);
        assert_client("[2001:db8:cafe::17]:4711", "2001:db8:cafe::17", Some(4711));
    }

    #[test]
    fn an_ipv6_address_without_brackets_has_no_port() {
        assert_client("2001:db8:cafe::17", "2001:db8:cafe::17", None);
        assert_client("::1:4711", "::1:4711", None);
    }

    #[test]
    fn a_hidden_port_leaves_the_address() {
        assert_client("192.0.2.43:_a7f", "192.0.2.43", None);
        assert_client("[2001:db8::1]:_a7f", "2001:db8::1", None);
    }

    #[test]
    fn a_zone_is_dropped() {
        assert_client("fe80::1%eth0", "fe80::1", None);
        assert_client("[fe80::1%25eth0]:80", "fe80::1", Some(80));
    }

    #[test]
    fn ipv4_written_as_ipv6_is_ipv4() {
        assert_client("::ffff:192.0.2.43", "192.0.2.43", None);
        assert_client("[::ffff:192.0.2.43]:80", "192.0.2.43", Some(80));
        let peer: SocketAddr = "[::ffff:192.0.2.43]:80".parse().unwrap();
        assert_eq!(Some(ClientAddress::from(peer)), ClientAddress::parse("192.0.2.43:80"));
    }

    #[test]
    fn what_has_no_address_is_no_client() {
        for node in [
            "",
            "unknown",
            "_hidden",
            "_SEVKISEK:80",
            "client.example",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.43:65536",
            "192.0.2.43:+80",
            "192.0.2.43:http",
            "192.0.2.43%eth0",
            "[192.0.2.43]",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]80",
            "[2001:db8::1]:80:80",
            "[]",
            "%",
            "\"192.0.2.43\"",
            "192.0.2.43 ",
        ] {
            assert_eq!(ClientAddress::parse(node), None, "{node:?}");
        }
    }
}
