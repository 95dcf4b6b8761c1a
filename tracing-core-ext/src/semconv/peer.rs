use std::{net::SocketAddr, sync::Arc};

use opentelemetry::KeyValue;

use super::{names, span_attributes::push};

/// Hands over the other end of the connection, and answers its address.
pub(crate) fn push_peer(peer: SocketAddr, attributes: &mut Vec<KeyValue>) -> Arc<str> {
    let address: Arc<str> = peer.ip().to_canonical().to_string().into();
    push(attributes, names::NETWORK_PEER_ADDRESS, Arc::clone(&address));
    push(attributes, names::NETWORK_PEER_PORT, i64::from(peer.port()));
    address
}
