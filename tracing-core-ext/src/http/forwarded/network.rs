use std::{error::Error, fmt, net::IpAddr, sync::Arc};

use ipnet::{IpNet, Ipv4Net};

use super::client::ClientAddress;

/// Networks in which every address is a trusted proxy.
#[derive(Clone, Debug)]
pub(super) struct Networks(Arc<[IpNet]>);

impl Networks {
    pub(super) fn parse<I>(networks: I) -> Result<Self, InvalidNetwork>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        networks
            .into_iter()
            .map(|network| parse(network.as_ref()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `client` is a trusted proxy. A sender without a known address is not.
    pub(super) fn contain(&self, client: Option<ClientAddress>) -> bool {
        client.is_some_and(|client| self.0.iter().any(|network| network.contains(&client.address)))
    }
}

// Parses an entry: RFC 4632, section 3.1, and RFC 4291, section 2.3: an address, or
//
//   address "/" prefix-length
fn parse(text: &str) -> Result<IpNet, InvalidNetwork> {
    let network = match text.contains('/') {
        true => text.parse().ok(),
        false => text.parse().ok().map(|address: IpAddr| address.into()),
    };
    let network = network.map(canonical).ok_or_else(|| InvalidNetwork::new(text, None))?;
    match network.trunc() == network {
        true => Ok(network),
        // Either the address alone is meant, or the whole network: this decides who is trusted.
        false => Err(InvalidNetwork::new(text, Some(network))),
    }
}

/// Converts an IPv4 network in IPv6 form (`::ffff:10.0.0.0/104`) to its IPv4 form, because compared
/// addresses have that form.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let prefix = mapped.prefix_len().checked_sub(96);
    match (mapped.addr().to_ipv4_mapped(), prefix) {
        (Some(address), Some(prefix)) => Ipv4Net::new_assert(address, prefix).into(),
        _ => network,
    }
}

/// Error for a trusted proxy that is neither a network nor an address, or an address inside of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidNetwork {
    text: String,
    /// Network of which the text has another address than the first.
    inside: Option<IpNet>,
}

impl InvalidNetwork {
    fn new(text: &str, inside: Option<IpNet>) -> Self {
        Self { text: text.to_owned(), inside }
    }
}

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trusted proxy {:?}: expected ", self.text)?;
        match self.inside {
            Some(inside) => {
                write!(f, "the network {} or the address {}", inside.trunc(), inside.addr())
            }
            None => f.write_str("a network such as 10.0.0.0/8 or an address such as 10.0.0.7"),
        }
    }
}

impl Error for InvalidNetwork {}

#[cfg(test)]
mod tests {
    use super::*;

    fn contain(network: &str, address: &str) -> bool {
        let address: IpAddr = address.parse().unwrap();
        let client = ClientAddress { address: address.to_canonical(), port: None };
        Networks::parse([network]).unwrap().contain(Some(client))
    }

    #[test]
    fn a_network_contains_its_addresses() {
        assert!(contain("10.0.0.0/8", "10.255.255.255"));
        assert!(!contain("10.0.0.0/8", "11.0.0.0"));
        assert!(contain("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!contain("2001:db8::/32", "2001:db9::"));
        assert!(contain("0.0.0.0/0", "203.0.113.9"));
    }

    #[test]
    fn an_address_is_a_network_of_its_own() {
        assert!(contain("10.0.0.7", "10.0.0.7"));
        assert!(!contain("10.0.0.7", "10.0.0.8"));
        assert!(contain("::1", "::1"));
        assert!(!contain("::1", "::2"));
    }

    #[test]
    fn an_address_inside_of_a_network_is_refused_with_both_meanings() {
        for (value, allowed) in [
            ("10.0.0.7/24", "the network 10.0.0.0/24 or the address 10.0.0.7"),
            ("2001:db8::1/32", "the network 2001:db8::/32 or the address 2001:db8::1"),
            ("::ffff:10.0.0.7/104", "the network 10.0.0.0/8 or the address 10.0.0.7"),
        ] {
            let error = Networks::parse([value]).unwrap_err();
            assert_eq!(error.to_string(), format!("trusted proxy {value:?}: expected {allowed}"));
        }
        assert!(contain("10.0.0.7/32", "10.0.0.7"));
    }

    #[test]
    fn ipv4_written_as_ipv6_is_ipv4() {
        assert!(contain("::ffff:10.0.0.7", "10.0.0.7"));
        assert!(contain("::ffff:10.0.0.0/104", "10.9.9.9"));
        assert!(!contain("::ffff:10.0.0.0/104", "11.0.0.0"));
        assert!(contain("10.0.0.0/8", "::ffff:10.9.9.9"));
    }

    #[test]
    fn no_ipv6_network_contains_ipv4() {
        assert!(!contain("::/0", "10.0.0.7"));
        assert!(!contain("::fffe:0:0/95", "10.0.0.7"));
    }

    #[test]
    fn nothing_is_in_no_network_and_nobody_in_any() {
        let none = Networks::parse([""; 0]).unwrap();
        let address = "10.0.0.7".parse().unwrap();

        assert!(!none.contain(Some(ClientAddress { address, port: None })));
        assert!(!Networks::parse(["0.0.0.0/0", "::/0"]).unwrap().contain(None));
    }

    #[test]
    fn what_is_no_network_is_refused_with_what_is_allowed() {
        for value in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "10.0.0",
            "10.0.0.256",
            "::1/129",
            "[::1]",
            "10.0.0.7:80",
            "fe80::1%eth0",
            " 10.0.0.0/8",
            "localhost",
            "*",
        ] {
            let error = Networks::parse(["10.0.0.0/8", value]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "trusted proxy {value:?}: expected a network such as 10.0.0.0/8 \
                     or an address such as 10.0.0.7"
                )
            );
        }
    }
}
