use std::net::SocketAddr;

use super::{
    client::ClientAddress,
    element,
    network::{InvalidNetwork, Networks},
    original::Forwarded,
    x_forwarded,
};
use crate::propagation::Headers;

/// Proxies whose word on who called is believed, and the headers in which they say it.
///
/// ```
/// use tracing_core_ext::http::TrustedProxies;
///
/// let proxies = TrustedProxies::x_forwarded(["10.0.0.0/8", "fd00::/8", "192.0.2.7"])?;
///
/// let error = TrustedProxies::forwarded(["10.0.0.0/33"]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "trusted proxy \"10.0.0.0/33\": expected a network such as 10.0.0.0/8 \
///      or an address such as 10.0.0.7",
/// );
/// # Ok::<(), tracing_core_ext::http::InvalidNetwork>(())
/// ```
///
/// There are two families of such headers, and only one of them is believed: a proxy that writes the one passes the other
/// through unseen, just as the caller made it up.
///
/// # Who is believed
///
/// Nobody, unless the other end of the connection is a trusted proxy. If it is, the addresses in the header are followed
/// from the right, where a proxy adds the one it was called from. The first that is not a trusted proxy is the client; if
/// all are, the leftmost is. What stands left of the client it may have made up, and is not looked at. An address that is
/// hidden (`unknown`, `_a7f`) or cannot be read ends the way: then the client is not known.
///
/// Scheme and host are those that the outermost trusted proxy was asked for.
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    networks: Networks,
    family: HeaderFamily,
}

#[derive(Clone, Copy, Debug)]
enum HeaderFamily {
    XForwarded,
    Forwarded,
}

impl TrustedProxies {
    /// Believes `X-Forwarded-For`, `-Proto`, `-Host` and `-Port` of proxies in `networks`.
    ///
    /// `-Proto`, `-Host` and `-Port` are lists beside that of `-For`, so the proxies have to agree on each: either all of
    /// them add a value, or the outermost replaces what the caller sent and the others leave it alone. What no proxy writes
    /// is as the caller made it up.
    ///
    /// # Errors
    ///
    /// [`InvalidNetwork`] for what is neither a network nor an address.
    pub fn x_forwarded<I>(networks: I) -> Result<Self, InvalidNetwork>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Ok(Self { networks: Networks::parse(networks)?, family: HeaderFamily::XForwarded })
    }

    /// Believes `Forwarded` (RFC 7239) of proxies in `networks`.
    ///
    /// # Errors
    ///
    /// [`InvalidNetwork`] for what is neither a network nor an address.
    pub fn forwarded<I>(networks: I) -> Result<Self, InvalidNetwork>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Ok(Self { networks: Networks::parse(networks)?, family: HeaderFamily::Forwarded })
    }

    /// Who sent a request that came from `peer`, and what for.
    pub(crate) fn resolve<'a>(
        &self,
        headers: &'a impl Headers,
        peer: Option<SocketAddr>,
    ) -> Forwarded<'a> {
        let peer = peer.map(ClientAddress::from);
        match self.family {
            _ if !self.networks.contain(peer) => Forwarded { client: peer, ..Forwarded::default() },
            HeaderFamily::XForwarded => x_forwarded::resolve(headers, peer, &self.networks),
            HeaderFamily::Forwarded => element::resolve(headers, peer, &self.networks),
        }
    }
}
