use std::{error::Error, fmt, net::IpAddr, sync::Arc};

use super::authority::Authority;

/// Hosts that may receive trace context.
///
/// | entry | allowed hosts |
/// | --- | --- |
/// | `shop.example` | this host, in any case, on every port |
/// | `*.shop.example` | the hosts below it, but not the host itself |
/// | `10.0.0.7`, `::1`, `[::1]` | this address, if a URL contains it |
/// | `shop.example:8443`, `[::1]:8443` | only this port |
///
/// ```
/// use tracing_core_ext::http::AllowedHosts;
///
/// AllowedHosts::new(["*.shop.example", "inventory:8080", "10.0.0.7"])?;
///
/// let error = AllowedHosts::new(["https://shop.example"]).unwrap_err();
/// assert!(error.to_string().starts_with("allowed host \"https://shop.example\": expected"));
/// # Ok::<(), tracing_core_ext::http::InvalidHost>(())
/// ```
#[derive(Clone, Debug)]
pub struct AllowedHosts(Arc<[Allowed]>);

impl AllowedHosts {
    /// Allows only these hosts. An empty list allows none.
    ///
    /// # Errors
    ///
    /// If an entry has none of the forms above.
    pub fn new<I>(hosts: I) -> Result<Self, InvalidHost>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        hosts
            .into_iter()
            .map(|host| Allowed::parse(host.as_ref()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a host is allowed. A request without a host is not.
    pub(crate) fn allow(&self, host: Option<&str>, port: Option<u16>) -> bool {
        host.is_some_and(|host| self.0.iter().any(|allowed| allowed.matches(host, port)))
    }
}

#[derive(Debug)]
struct Allowed {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug)]
enum Host {
    Name(Box<str>),
    /// Parent domain with a leading dot.
    Below(Box<str>),
    Address(IpAddr),
}

impl Allowed {
    /// Parses an entry: RFC 9110, section 7.2, and an IPv6 address without brackets if there is no
    /// port.
    ///
    /// ```abnf
    /// allowed = [ "*." ] uri-host [ ":" port ] / IPv6address
    /// ```
    ///
    /// A name consists of DNS labels: letters, digits, hyphens and underscores, separated by dots.
    fn parse(text: &str) -> Result<Self, InvalidHost> {
        if let Ok(address) = text.parse() {
            return Ok(Self { host: Host::Address(address), port: None });
        }
        let authority = Authority::parse(text).filter(|_| !text.ends_with(':'));
        let parsed = authority.and_then(|authority| {
            let bracketed = text.starts_with('[');
            Some(Self { host: Host::parse(authority.host, bracketed)?, port: authority.port })
        });
        parsed.ok_or_else(|| InvalidHost(text.to_owned()))
    }

    fn matches(&self, host: &str, port: Option<u16>) -> bool {
        self.host.matches(host) && self.port.is_none_or(|only| port == Some(only))
    }
}

impl Host {
    fn parse(text: &str, bracketed: bool) -> Option<Self> {
        match text.parse() {
            Ok(address) => return Some(Self::Address(address)),
            Err(_) if bracketed => return None,
            Err(_) => {}
        }
        match text.strip_prefix('*') {
            Some(parent) => is_name(parent.strip_prefix('.')?).then(|| Self::Below(parent.into())),
            None => is_name(text).then(|| Self::Name(text.into())),
        }
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Name(name) => name.eq_ignore_ascii_case(host),
            Self::Below(parent) => is_below(host, parent),
            Self::Address(address) => host.parse() == Ok(*address),
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    text.split('.').all(is_label)
}

/// `parent` starts with a dot.
fn is_below(host: &str, parent: &str) -> bool {
    let start = host.len().checked_sub(parent.len()).filter(|start| *start > 0);
    let end = start.and_then(|start| host.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(parent))
}

/// Error for an allowed host that is neither a name, `*.` and a name, nor an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidHost(String);

impl fmt::Display for InvalidHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "allowed host {:?}: expected a host such as shop.example, *.shop.example or 10.0.0.7, \
             with or without a port",
            self.0
        )
    }
}

impl Error for InvalidHost {}

#[cfg(test)]
mod tests {
    use crate::http::url::allowed_hosts::*;

    fn allow(allowed: &str, host: &str, port: u16) -> bool {
        AllowedHosts::new([allowed]).unwrap().allow(Some(host), Some(port))
    }

    #[test]
    fn a_name_allows_itself_in_any_case() {
        assert!(allow("shop.example", "shop.example", 443));
        assert!(allow("Shop.Example", "sHOP.eXAMPLE", 80));
        assert!(allow("localhost", "localhost", 8080));
        for other in ["shop.example.org", "a.shop.example", "myshop.example", "shop", ""] {
            assert!(!allow("shop.example", other, 443), "{other:?}");
        }
    }

    #[test]
    fn a_star_allows_hosts_below_a_name_but_not_the_name_itself() {
        assert!(allow("*.shop.example", "eu.shop.example", 443));
        assert!(allow("*.shop.example", "a.eu.SHOP.example", 443));
        for other in ["shop.example", ".shop.example", "myshop.example", "x.shop.example.org", "é"]
        {
            assert!(!allow("*.shop.example", other, 443), "{other:?}");
        }
    }

    #[test]
    fn an_address_allows_itself_in_any_notation() {
        assert!(allow("10.0.0.7", "10.0.0.7", 80));
        assert!(!allow("10.0.0.7", "10.0.0.70", 80));
        for written in ["::1", "[::1]", "0:0:0:0:0:0:0:1"] {
            assert!(allow(written, "::1", 80), "{written}");
            assert!(!allow(written, "::2", 80), "{written}");
        }
    }

    #[test]
    fn a_port_allows_only_itself() {
        for (allowed, host) in
            [("shop.example:8443", "shop.example"), ("[::1]:8443", "::1"), ("*.a.b:8443", "x.a.b")]
        {
            assert!(allow(allowed, host, 8443), "{allowed}");
            assert!(!allow(allowed, host, 443), "{allowed}");
        }
    }

    #[test]
    fn an_empty_list_allows_no_host_and_no_list_allows_a_missing_host() {
        let no_host = AllowedHosts::new([""; 0]).unwrap();
        assert!(!no_host.allow(Some("shop.example"), Some(80)));
        assert!(!AllowedHosts::new(["shop.example"]).unwrap().allow(None, Some(80)));
    }

    #[test]
    fn an_invalid_host_is_refused_with_the_expected_forms() {
        for value in [
            "",
            "*",
            "*.",
            "*shop.example",
            "shop.*.example",
            "*.*.example",
            ".example",
            "shop..example",
            "shop.example.",
            "shop.example:",
            "shop.example:0x50",
            "shop.example:65536",
            "https://shop.example",
            "shop.example/path",
            "joe@shop.example",
            "bücher.example",
            "[::1",
            "[shop.example]",
            "::1:80:",
            "10.0.0.0/8",
            " shop.example",
        ] {
            let error = AllowedHosts::new(["shop.example", value]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "allowed host {value:?}: expected a host such as shop.example, \
                     *.shop.example or 10.0.0.7, with or without a port"
                )
            );
        }
    }
}
