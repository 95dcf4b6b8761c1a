//! Parts of an address in text form.

use std::net::Ipv6Addr;

pub(super) fn is_http(value: &str) -> bool {
    let scheme = value.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

pub(super) fn host_and_port(value: &str) -> Option<(&str, u16)> {
    let (host, port) = value.rsplit_once(':')?;
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match in_brackets {
        Some(address) => address.parse::<Ipv6Addr>().is_ok().then_some(address)?,
        None => Some(host).filter(|host| !host.is_empty() && is_host(host))?,
    };
    Some((host, port.parse().ok()?))
}

pub(super) fn is_host(host: &str) -> bool {
    !host.contains([':', '/', '@'])
}
