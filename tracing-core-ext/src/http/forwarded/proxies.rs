use std::net::SocketAddr;

use super::{
    client::ClientAddress,
    element,
    network::{InvalidNetwork, Networks},
    original::Forwarded,
    x_forwarded,
};
use crate::{base::deferred_log, propagation::Headers};

/// Networks of trusted proxies, and the family of headers in which they report the client.
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
/// There are two families of these headers, and only one of them is trusted: a proxy that writes
/// one family forwards the other as the caller sent it, which can be forged.
///
/// # Trust
///
/// The headers are ignored unless the peer of the connection is a trusted proxy. Otherwise the
/// addresses in the header are read from the right, because each proxy appends the address of its
/// peer. The first address that is not a trusted proxy is the client. If all are trusted proxies,
/// the client is the leftmost address. Addresses left of the client can be forged and are not read.
/// A hidden address (`unknown`, `_a7f`) or an invalid one ends the search, and then the client is
/// unknown.
///
/// Scheme and host are those of the request to the outermost trusted proxy.
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
    /// Trusts `X-Forwarded-For`, `-Proto`, `-Host` and `-Port` of proxies in `networks`.
    ///
    /// `-Proto`, `-Host` and `-Port` are lists parallel to that of `-For`. The proxies must
    /// therefore treat each of them in one of two ways: either all proxies append a value, or the
    /// outermost proxy replaces the received value and the others leave it unchanged. A header that
    /// no proxy writes can be forged by the caller.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidNetwork`] for an entry that is neither a network nor an address, and for an
    /// address inside of a network (`10.0.0.7/8`). A warning is logged for an empty list.
    pub fn x_forwarded<I>(networks: I) -> Result<Self, InvalidNetwork>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self::new(networks, HeaderFamily::XForwarded)
    }

    /// Trusts `Forwarded` (RFC 7239) of proxies in `networks`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidNetwork`] for an entry that is neither a network nor an address, and for an
    /// address inside of a network (`10.0.0.7/8`). A warning is logged for an empty list.
    pub fn forwarded<I>(networks: I) -> Result<Self, InvalidNetwork>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self::new(networks, HeaderFamily::Forwarded)
    }

    fn new<I>(networks: I, family: HeaderFamily) -> Result<Self, InvalidNetwork>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let networks = Networks::parse(networks)?;
        if networks.is_empty() {
            deferred_log::log(|| {
                tracing::warn!(
                    "the list of trusted proxies is empty, so forwarded headers are ignored; expected a \
                     network such as 10.0.0.0/8 or an address such as 10.0.0.7"
                );
            });
        }
        Ok(Self { networks, family })
    }

    /// Returns client, scheme and authority of a request that was received from `peer`.
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
