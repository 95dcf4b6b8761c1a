use http::HeaderName;

use super::{
    chain::{last_first, outermost},
    client::ClientAddress,
    network::Networks,
    original::{Forwarded, authority, scheme},
};
use crate::{
    http::url::authority::parse_digits,
    propagation::{Headers, headers::trim_ows},
};

static FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// Returns the values that the outermost trusted proxy wrote into these headers.
///
/// The headers are parallel lists: the values that one proxy appends are at the same distance from
/// the right in each list. A list may be shorter, if a proxy sets a header that the proxies behind
/// it leave unchanged.
pub(super) fn resolve<'a>(
    headers: &'a impl Headers,
    peer: Option<ClientAddress>,
    trusted: &Networks,
) -> Forwarded<'a> {
    let clients = members(headers, &FOR).map(|member| text(member).and_then(ClientAddress::parse));
    let hop = outermost(clients.enumerate(), |(_, client)| *client, trusted);
    let (position, client) = hop.unwrap_or((0, peer));
    let value = |name| members(headers, name).take(position + 1).last().and_then(text);
    Forwarded {
        client,
        scheme: value(&PROTO).and_then(scheme),
        authority: value(&HOST).and_then(|host| authority(host.into())),
        port: value(&PORT).and_then(parse_digits),
    }
}

/// Returns the members of the list in all lines of a field, in reverse order.
// RFC 9110, section 5.6.1.2, which requires recipients to ignore empty members:
//
//   #element = [ element ] *( OWS "," OWS [ element ] )
fn members<'a>(
    headers: &'a impl Headers,
    name: &'static HeaderName,
) -> impl Iterator<Item = &'a [u8]> {
    let lines = last_first(headers.values(name));
    let members = lines.flat_map(|line| line.rsplit(|&byte| byte == b','));
    members.map(trim_ows).filter(|member| !member.is_empty())
}

fn text(member: &[u8]) -> Option<&str> {
    str::from_utf8(member).ok()
}
