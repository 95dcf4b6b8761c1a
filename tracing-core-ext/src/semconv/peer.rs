use std::net::SocketAddr;

use super::{facts::Facts, names};

/// Adds address and port of the other end of the connection.
pub(crate) fn push_peer(peer: SocketAddr, facts: &mut Facts) {
    facts.address(names::NETWORK_PEER_ADDRESS, peer.ip());
    facts.int(names::NETWORK_PEER_PORT, i64::from(peer.port()));
}
