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

/// What the outermost trusted proxy says in these headers.
///
/// They are lists side by side: the value a proxy adds to one stands as far from the right as that it adds to another. A
/// list may be shorter, where a proxy sets what those behind it leave alone.
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

/// Members of the list that all lines of a field make up, the last one first.
// RFC 9110, section 5.6.1.2, with empty members to be ignored:
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
