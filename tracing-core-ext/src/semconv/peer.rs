use std::{net::SocketAddr, sync::Arc};

use opentelemetry::KeyValue;

use super::{names, span_attributes::put};

/// Hands over the other end of the connection, and answers its address.
pub(crate) fn put_peer(peer: SocketAddr, attributes: &mut Vec<KeyValue>) -> Arc<str> {
    let address: Arc<str> = peer.ip().to_canonical().to_string().into();
    put(attributes, names::NETWORK_PEER_ADDRESS, Arc::clone(&address));
    put(attributes, names::NETWORK_PEER_PORT, i64::from(peer.port()));
    address
}
